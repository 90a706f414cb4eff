//! `POST /v1/rooms/{room}/recording/stop`

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::stage::{StageBody, change};
use crate::{ApiError, ApiState};

/// Record the room no more: its host and co-hosts. The end of the room does the same
#[utoipa::path(post, path = "/v1/rooms/{room}/recording/stop", tag = "recordings", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn stop_recording(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::StopRecording {
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
