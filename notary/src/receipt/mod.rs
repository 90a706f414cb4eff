//! Receipts: one event of the log with everything that proves it, in a file that its owner keeps. Pure.
//!
//! A receipt is checked with the log's public key alone, long after the shop is gone. It says what was recorded and where;
//! of a refusal it says what the room was when somebody was sent away, signed by the shop, with a proof of the event that
//! made the room so.

mod entry;
mod format;
mod statement;
#[cfg(test)]
mod tests;
mod verify;

pub use entry::Entry;
pub use format::{FORMAT, Receipt, Subject};
pub use statement::{Exhausted, Quota, Refusal, StatementError, Waiting};
pub use verify::{ReceiptError, Verified};
