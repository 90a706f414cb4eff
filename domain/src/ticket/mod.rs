//! A ticket: owns one sale and its money. Issued at most once; what was captured ends in a ticket or a refund.

mod account;
mod command;
mod decide;
mod disputing;
mod error;
mod event;
mod paying;
mod refunding;
mod settling;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod transferring;

pub use account::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use paying::PAYMENT_ATTEMPTS_MAX;
pub use state::*;
