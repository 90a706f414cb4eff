//! `POST /v1/rooms/{room}/recording/consent`

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::stage::{StageBody, change};
use crate::{ApiError, ApiState};

/// Agree to be heard on recordings of this room
///
/// Asked of whoever would come to speak where the room allows recording (`recording.allowed`), before they ask to speak or
/// accept an invitation, and of co-hosts before a recording starts. It holds until the room is over.
#[utoipa::path(post, path = "/v1/rooms/{room}/recording/consent", tag = "recordings", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `not_in_room` · `recording_not_allowed`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn consent_to_recording(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::ConsentToRecording {
        user: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
