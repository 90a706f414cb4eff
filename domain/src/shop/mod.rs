//! The shop itself: what its admins decided for all of it. One stream for the whole shop.

mod command;
mod decide;
mod error;
mod event;
mod rollout;
mod sealing;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use error::*;
pub use event::*;
pub use rollout::*;
pub use sealing::*;
pub use state::*;
