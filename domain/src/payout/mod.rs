//! A host's account: standing, earnings, payouts. One stream per host.

mod command;
mod decide;
mod disputing;
mod error;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use error::*;
pub use event::*;
pub use state::*;
