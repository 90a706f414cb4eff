//! `GET /v1/rooms/{room}/recordings`

use axum::Json;
use axum::extract::State;
use domain::RoomId;
use media_bridge::recording::list_recordings;
use serde::Serialize;
use utoipa::ToSchema;

use super::recording::{RoomRecordingBody, require_listener};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoomRecordings)]
pub(crate) struct RoomRecordingsBody {
    /// In the order they were started; 50 at most.
    data: Vec<RoomRecordingBody>,
}

/// What was recorded of a room: for its host and admins, and for those who may be inside if the host allows it
#[utoipa::path(get, path = "/v1/rooms/{room}/recordings", tag = "recordings", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = RoomRecordingsBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_room_recordings(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
) -> Result<Json<RoomRecordingsBody>, ApiError> {
    require_listener(&state, room, &caller).await?;
    let rows = list_recordings(&state.pool, room).await?;
    Ok(Json(RoomRecordingsBody {
        data: rows.into_iter().map(Into::into).collect(),
    }))
}
