//! A host's account: standing, earnings, payouts. One stream per host.

mod balance;
mod command;
mod decide;
mod disputing;
mod error;
mod event;
mod maturing;
mod monthly;
mod returning;
mod sharing;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use error::*;
pub use event::*;
pub use monthly::{PayoutSchedule, RollOverReason};
pub use sharing::SharedDispute;
pub use state::*;
