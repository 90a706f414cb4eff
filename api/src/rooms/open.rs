//! `POST /v1/rooms/{room}/open`

use axum::extract::State;
use domain::{RoomCommand, RoomId, SessionId};

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Open the doors of a scheduled room
#[utoipa::path(post, path = "/v1/rooms/{room}/open", tag = "rooms", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = RoomBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn open_room(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let command = RoomCommand::Open {
        by: caller.user_id,
        session_id: SessionId::from_uuid(state.new_uuid()),
        at: state.now(),
    };
    let (position, body) = change(&state, room, command, caller.metadata()).await?;
    Ok(Written::changed(position, body))
}
