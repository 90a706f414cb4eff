//! A room that is recorded.

use domain::room::{RecordingStarted, RecordingStopped, RecordingTerms, Revision};
use domain::{RecordingId, RoomEvent};
use uuid::Uuid;

use super::{at, host, session};

const RECORDING: RecordingId = RecordingId::from_uuid(Uuid::from_u128(77));
const DAYS: u32 = 30;

/// Its host allows it.
pub(crate) fn recorded() -> Revision {
    Revision {
        recording: Some(RecordingTerms {
            allowed: true,
            for_holders: false,
            retention_days: DAYS,
        }),
        ..Revision::default()
    }
}

pub(crate) fn recording_started(room: u32) -> RoomEvent {
    RoomEvent::RecordingStarted(RecordingStarted {
        recording_id: RECORDING,
        session_id: session(room),
        by: host(),
        retention_days: DAYS,
        started_at: at(60),
    })
}

pub(crate) fn recording_stopped() -> RoomEvent {
    RoomEvent::RecordingStopped(RecordingStopped {
        recording_id: RECORDING,
        by: Some(host()),
        stopped_at: at(70),
    })
}
