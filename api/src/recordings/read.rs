//! `GET /v1/rooms/{room}/recordings/{recording}`

use axum::Json;
use axum::extract::State;
use domain::{RecordingId, RoomId};

use super::recording::{RoomRecordingBody, find, require_listener};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids};
use crate::{ApiError, ApiState};

/// A recording with its parts, until it is deleted
#[utoipa::path(get, path = "/v1/rooms/{room}/recordings/{recording}", tag = "recordings",
    params(("room" = Uuid, Path), ("recording" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = RoomRecordingBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_recording(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, recording): Ids<RoomId, RecordingId>,
) -> Result<Json<RoomRecordingBody>, ApiError> {
    require_listener(&state, room, &caller).await?;
    Ok(Json(find(&state, room, recording).await?.into()))
}
