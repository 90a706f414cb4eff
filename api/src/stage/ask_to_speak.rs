//! `POST /v1/rooms/{room}/speak_requests/me`

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Ask to speak
#[utoipa::path(post, path = "/v1/rooms/{room}/speak_requests/me", tag = "stage", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `not_in_room` · `stage_full` · `recording_consent_required`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn ask_to_speak(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let user = caller.user_id;
    let command = RoomCommand::RequestToSpeak { user, at: state.now() };
    change(&state, &caller, room, command).await
}
