//! Everything that happened to a room and its tickets, in order.

mod apply;
mod evolve;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub use queries::{TimelineLine, timeline};
