//! Executes jobs: a bounded number at once, each with a time limit inside its lease.

mod dispatch;
mod worker;

pub use dispatch::run_job;
#[cfg(test)]
pub(crate) use worker::execute;
pub(crate) use worker::{Housekeeper, Worker};
