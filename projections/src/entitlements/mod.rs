//! Who may be in which live room, and who may speak there: what the media server is held to.

mod admission;
mod apply;
mod evolve;
mod line;
mod queries;
#[cfg(test)]
mod tests;

pub use admission::{AdmissionRow, RefusalReason, Who, admission};
pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use queries::{LiveRoomRow, PersonRow, RecordingRow, RoleRow, StageRow, live_rooms, stage, turn_of, turns_after};
