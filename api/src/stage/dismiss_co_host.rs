//! `DELETE /v1/rooms/{room}/co_hosts/{user}`

use axum::extract::State;
use domain::{RoomCommand, RoomId, UserId};

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, NoBody};
use crate::{ApiError, ApiState};

/// End a co-host's role: the host, or the co-host
#[utoipa::path(delete, path = "/v1/rooms/{room}/co_hosts/{user}", tag = "stage",
    params(("room" = Uuid, Path), ("user" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn dismiss_co_host(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(room, user): Ids<RoomId, UserId>,
    _: NoBody,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::DismissCoHost {
        user,
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
