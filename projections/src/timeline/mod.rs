//! Everything that happened to a room and its tickets, in order.

mod apply;
mod evolve;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use queries::{TimelineLine, timeline};

/// How many positions of the log one row of a timeline holds, at most.
const ROW_MAX: usize = 1024;
