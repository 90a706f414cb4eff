//! `GET /v1/rooms/{room}/recordings/{recording}/manifest`

use axum::extract::{Request, State};
use axum::response::Response;
use domain::{RecordingId, RoomId};

use super::download::send_file;
use super::recording::{find, require_listener};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids};
use crate::{ApiError, ApiState};

/// Who spoke when in a recording, and when its parts began, as JSON
#[utoipa::path(get, path = "/v1/rooms/{room}/recordings/{recording}/manifest", tag = "recordings",
    params(("room" = Uuid, Path), ("recording" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The parts that have ended: `began_at`, `duration_ms`, `file` and `spoke`, which names a user and from when to when they spoke, in milliseconds from the beginning of the part.",
        content_type = "application/json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_recording_manifest(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, recording): Ids<RoomId, RecordingId>,
    request: Request,
) -> Result<Response, ApiError> {
    require_listener(&state, room, &caller).await?;
    find(&state, room, recording).await?;
    let path = state.keeping.storage.manifest(room, recording);
    send_file(&path, "application/json", request).await
}
