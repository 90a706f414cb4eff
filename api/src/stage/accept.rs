//! `POST /v1/rooms/{room}/stage/me/accept`

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Accept the invitation to speak
#[utoipa::path(post, path = "/v1/rooms/{room}/stage/me/accept", tag = "stage",
    params(("room" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over` · `not_in_room` · `wrong_state` · `stage_full` · `recording_consent_required`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn accept_invitation(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::AcceptInvitation {
        user: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
