//! Disputes: the host's account follows what a buyer's bank does, and a ticket goes on when the bank gave in.

mod follow;
mod react;

pub use follow::follow;
pub use react::react;
