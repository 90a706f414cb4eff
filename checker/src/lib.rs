//! Judges a boxoffice log from outside.
//!
//! It reads the table of events by plain SQL, folds them by rules of its own, and compares what it finds with what clients
//! wrote down as acknowledged to them. It shares no code with boxoffice: what both had in common, both could get wrong
//! without anybody noticing. So the rules stand here a second time, in other words, and a kind of event that this crate
//! does not know is a finding.

mod acknowledged;
pub mod audit;
mod chain;
mod check;
mod copy;
mod error;
mod facts;
mod fold;
mod report;
mod snapshot;
#[cfg(test)]
mod tests;

pub use acknowledged::{Acknowledgement, Kind};
pub use check::{Task, check};
pub use error::CheckError;
pub use report::{Finding, Report, Rule};
pub use snapshot::Entry;
