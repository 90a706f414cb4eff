//! `PUT /v1/rooms/{room}/co_hosts/{user}`

use axum::extract::State;
use domain::{RoomCommand, RoomId, UserId};

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, NoBody};
use crate::{ApiError, ApiState};

/// Make somebody a co-host, before the room opens or while it is live: two at most, who need no ticket
#[utoipa::path(put, path = "/v1/rooms/{room}/co_hosts/{user}", tag = "stage",
    params(("room" = Uuid, Path), ("user" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden` · `entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`stage_full` · `recording_consent_required` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn appoint_co_host(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, user): Ids<RoomId, UserId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::AppointCoHost {
        user,
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
