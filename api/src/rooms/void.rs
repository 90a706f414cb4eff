//! `POST /v1/rooms/{room}/void`

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Take a room down, for admins: everybody is out, and gets the money back. Not once the room is judged
#[utoipa::path(post, path = "/v1/rooms/{room}/void", tag = "rooms", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 202, body = RoomBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state` · `room_over`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn void_room(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    caller.require_admin()?;
    let command = RoomCommand::Moderate { at: state.now() };
    let (position, body) = change(&state, room, command, caller.admin_metadata()).await?;
    Ok(Written::accepted(position, body))
}
