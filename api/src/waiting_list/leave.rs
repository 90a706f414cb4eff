//! `DELETE /v1/rooms/{room}/waiting_list/me`: out of the line.

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::place::{WaitingPlaceBody, place_of};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Leave the waiting list; an open offer is declined, and goes to the next in line
#[utoipa::path(delete, path = "/v1/rooms/{room}/waiting_list/me", tag = "waiting list", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = WaitingPlaceBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn leave_waiting_list(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<WaitingPlaceBody>, ApiError> {
    let command = RoomCommand::LeaveWaitingList {
        user: caller.user_id,
        at: state.now(),
    };
    let rooms = &state.aggregates.rooms;
    let executed = rooms.execute(room.as_uuid(), command, caller.metadata()).await?;
    let place = place_of(&state, room, caller.user_id).await?;
    Ok(Written::changed(executed.position, WaitingPlaceBody::new(room, place)))
}
