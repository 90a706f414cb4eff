//! Cancellation: a room that was cancelled, or ended without its host being heard, gives everybody their money back.
//!
//! One job finds who bought, one job for each owes the money back. All of it survives a crash at any point.

mod owe;
mod react;

pub use owe::{owe_refund, refund_room};
pub use react::react;
