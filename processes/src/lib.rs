//! What happens by itself: a captured payment becomes a ticket, an unpaid hold gives its seat back, a cancelled room
//! refunds everybody, a delivered room pays its host.
//!
//! Each process is a pure `react`: a recorded event in, jobs out. One subscriber stores the jobs in the transaction of
//! its checkpoint, so that an event leads to its jobs exactly once; the runner executes them, at least once each. Every
//! job may run twice, at any time, on any worker: its commands are repeats then, and its calls to the provider carry the
//! same ids.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod cancellation;
pub mod checkout;
mod deps;
pub mod disputes;
pub mod hold_expiry;
pub mod inbox;
pub mod job;
pub mod jobs;
pub mod mail;
pub mod maturity;
pub mod monthly;
mod needed;
pub mod no_show;
pub mod payout;
pub mod people;
pub mod processes;
pub mod reconciliation;
pub mod refunds;
mod runner;
pub mod settlement;
pub mod sharing;
pub mod standing;
mod subscriber;
pub mod sweep;
#[cfg(test)]
mod tests;
pub mod transfers;

pub use checkout::{BeginPayment, BeginPaymentError, Begun, PurchaseError};
pub use deps::{Deps, PayoutSettings, ProcessSettings};
pub use inbox::ReceiveError;
pub use job::{Job, JobContext, JobError, JobResult, NewJob, Outcome};
pub use people::{FindPersonError, People};
pub use processes::Processes;
pub use runner::run_job;
pub use subscriber::{SUBSCRIBER, react};
