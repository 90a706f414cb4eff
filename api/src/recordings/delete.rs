//! `DELETE /v1/rooms/{room}/recordings/{recording}`

use axum::extract::State;
use domain::room::Deletion;
use domain::{RecordingId, RoomCommand, RoomId};
use http::StatusCode;

use super::recording::require_listener;
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, NoBody};
use crate::{ApiError, ApiState};

/// Delete a recording before it is due: its host or an admin. Nobody gets it from then on, and its files are erased
#[utoipa::path(delete, path = "/v1/rooms/{room}/recordings/{recording}", tag = "recordings",
    params(("room" = Uuid, Path), ("recording" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: it is being recorded",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn delete_recording(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, recording_id): Ids<RoomId, RecordingId>,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    require_listener(&state, room, &caller).await?;
    let (by, metadata) = caller.authority();
    let command = RoomCommand::DeleteRecording {
        recording_id,
        by: Deletion::By(by),
        at: state.now(),
    };
    state
        .aggregates
        .rooms
        .execute(room.as_uuid(), command, metadata)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
