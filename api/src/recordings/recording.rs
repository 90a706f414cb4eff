//! A recording as those see it who may have it.

use domain::room::{AudioFormat, Recordings};
use domain::{RecordingId, Room, RoomId};
use media_bridge::recording::{PartRow, RecordingRow, find_recording};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{Caller, Moment};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoomRecording)]
pub(crate) struct RoomRecordingBody {
    id: Uuid,
    room_id: Uuid,
    /// `running`, `stopped` or `deleted`
    state: &'static str,
    started_at: Moment,
    stopped_at: Option<Moment>,
    /// When it is deleted by itself.
    delete_at: Option<Moment>,
    deleted_at: Option<Moment>,
    /// In their order: a recording that broke off goes on as another part.
    parts: Vec<RecordingPartBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordingPart)]
struct RecordingPartBody {
    part: u32,
    /// `audio/wav` or `audio/ogg`
    media_type: &'static str,
    began_at: Moment,
    /// Null while it is recorded.
    ended_at: Option<Moment>,
    /// It ended before it should: the recorder or the media server went away.
    broke_off: bool,
    duration_ms: Option<u64>,
    /// Null if nothing of it could be saved.
    bytes: Option<u64>,
    /// Of the file, in hexadecimal digits.
    sha256: Option<String>,
}

impl From<RecordingRow> for RoomRecordingBody {
    fn from(row: RecordingRow) -> Self {
        let state = match (row.deleted_at, row.stopped_at) {
            (Some(_), _) => "deleted",
            (None, Some(_)) => "stopped",
            (None, None) => "running",
        };
        Self {
            id: row.recording.as_uuid(),
            room_id: row.room.as_uuid(),
            state,
            started_at: row.started_at.into(),
            stopped_at: row.stopped_at.map(Moment),
            delete_at: row.delete_at.map(Moment),
            deleted_at: row.deleted_at.map(Moment),
            parts: row.parts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PartRow> for RecordingPartBody {
    fn from(row: PartRow) -> Self {
        Self {
            part: row.number,
            media_type: media_type(row.format),
            began_at: row.began_at.into(),
            ended_at: row.ended_at.map(Moment),
            broke_off: row.broke_off,
            duration_ms: row.duration_ms,
            bytes: row.bytes,
            sha256: row.sha256,
        }
    }
}

pub(super) const fn media_type(format: AudioFormat) -> &'static str {
    match format {
        AudioFormat::Wav => "audio/wav",
        AudioFormat::Ogg => "audio/ogg",
    }
}

/// The host and admins always; who may be inside with a ticket or as a co-host, if the host allows it. To others it is as if
/// there was nothing.
pub(super) async fn require_listener(state: &ApiState, room: RoomId, caller: &Caller) -> Result<(), ApiError> {
    let (user, is_admin) = (caller.user_id, caller.is_admin());
    let look = move |room: &Room| {
        let terms = room.recordings().and_then(Recordings::terms);
        let is_shared = terms.is_some_and(|terms| terms.for_holders);
        room.facts().is_some() && (is_admin || room.is_host(user) || (is_shared && room.may_be_inside(user)))
    };
    let (may_have, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    if may_have { Ok(()) } else { Err(ApiError::NotFound) }
}

/// One that was not deleted, as the log has it now.
pub(super) async fn find(state: &ApiState, room: RoomId, recording: RecordingId) -> Result<RecordingRow, ApiError> {
    let look = move |room: &Room| {
        let known = room.recordings().and_then(|recordings| recordings.find(recording));
        known.is_some_and(|known| !known.is_deleted())
    };
    let (exists, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    if !exists {
        return Err(ApiError::NotFound);
    }
    find_recording(&state.pool, room, recording)
        .await?
        .ok_or(ApiError::NotFound)
}
