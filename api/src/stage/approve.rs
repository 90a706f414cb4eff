//! `POST /v1/rooms/{room}/stage/{user}/approve`

use axum::extract::State;
use domain::{RoomCommand, RoomId, UserId};

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, NoBody};
use crate::{ApiError, ApiState};

/// Let somebody who asked speak
#[utoipa::path(post, path = "/v1/rooms/{room}/stage/{user}/approve", tag = "stage",
    params(("room" = Uuid, Path), ("user" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `wrong_state` · `not_in_room` · `stage_full` · `recording_consent_required`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn approve_speaker(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, user): Ids<RoomId, UserId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let by = caller.user_id;
    let command = RoomCommand::ApproveSpeaker {
        user,
        by,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
