//! Attendance: who was in a room when, and whether it counts as delivered. As recorded on the log when the room was over.

mod apply;
mod evolve;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use queries::{AttendanceRow, attendance};
