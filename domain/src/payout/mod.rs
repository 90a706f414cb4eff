//! A host's account: standing, earnings, payouts. One stream per host.

mod balance;
mod banning;
mod command;
mod decide;
mod disputing;
mod error;
mod event;
mod hosting;
#[cfg(test)]
mod hosting_tests;
mod maturing;
mod monthly;
mod permit;
mod returning;
mod sharing;
mod standing;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use error::*;
pub use event::*;
pub use hosting::*;
pub use monthly::{PayoutSchedule, RollOverReason};
pub use permit::*;
pub use sharing::SharedDispute;
pub use state::*;
