//! Who may be in which live room, and who may speak there: what the media server is held to.

mod apply;
mod evolve;
mod line;
mod queries;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use queries::{
    AdmissionRow, LiveRoomRow, PersonRow, RecordingRow, RefusalReason, RoleRow, StageRow, Who, admission, live_rooms,
    stage, turn_of, turns_after,
};
