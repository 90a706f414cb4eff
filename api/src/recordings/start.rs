//! `POST /v1/rooms/{room}/recording/start`

use axum::extract::State;
use domain::{RecordingId, RoomCommand, RoomId};

use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::stage::{StageBody, change, require_inside};
use crate::{ApiError, ApiState};

/// Record the room from now on: its host and co-hosts
///
/// Everybody in the room sees it. Only where the room allows it, and only if everybody on the stage has agreed.
#[utoipa::path(post, path = "/v1/rooms/{room}/recording/start", tag = "recordings", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over` · `recording_not_allowed` · `recording_consent_required` · `recording_limit_reached`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`media_unavailable`: nothing is recorded here",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn start_recording(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    if !state.keeping.records {
        require_inside(&state, room, caller.user_id).await?;
        return Err(ApiError::MediaUnavailable("there is no recorder here".into()));
    }
    let command = RoomCommand::StartRecording {
        recording_id: RecordingId::from_uuid(state.new_uuid()),
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
