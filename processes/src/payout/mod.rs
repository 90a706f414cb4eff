//! Payout: what a host asked for is sent to the provider, once, whatever crashes.

mod react;
mod send;

pub use react::react;
pub use send::send_payout;
