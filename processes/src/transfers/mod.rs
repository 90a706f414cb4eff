//! Transfers: when a ticket has a new holder, the seat follows.

mod follow;
mod react;

pub use follow::follow_holder;
pub use react::react;
