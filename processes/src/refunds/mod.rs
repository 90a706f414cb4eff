//! Refunds: money that is owed back leaves, and a fully refunded ticket gives its seat back.

mod owe;
mod react;
mod send;

pub(crate) use owe::{Owing, owe, release};
pub use react::react;
pub use send::{release_seat, send_refund};
