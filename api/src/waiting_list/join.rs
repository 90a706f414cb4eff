//! `POST /v1/rooms/{room}/waiting_list/me`: to the end of the line.

use axum::extract::State;
use domain::room::JoinWaitingList;
use domain::{RoomCommand, RoomId, TicketId};

use super::place::{WaitingPlaceBody, place_of};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, IdempotencyKey, NoBody, fingerprint};
use crate::{ApiError, ApiState};

/// Join the waiting list. First come, first served; an offer is a held ticket with a deadline of its own
#[utoipa::path(post, path = "/v1/rooms/{room}/waiting_list/me", tag = "waiting list",
    params(("room" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = WaitingPlaceBody),
    (status = 403, description = "`entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`sales_not_open` · `sales_closed` · `ticket_limit_reached` · `room_over` · `sold_out`: the list is full",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn join_waiting_list(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    key: IdempotencyKey,
    body: NoBody,
) -> Result<Written<WaitingPlaceBody>, ApiError> {
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    let command = RoomCommand::JoinWaitingList(JoinWaitingList {
        user: caller.user_id,
        ticket_id: TicketId::from_uuid(key.id(caller.user_id, &path)),
        request: fingerprint(&path, &body)?,
        at: state.now(),
    });
    let rooms = &state.aggregates.rooms;
    let metadata = caller.keyed_metadata(&key);
    let executed = rooms.execute(room.as_uuid(), command, metadata).await?;
    let place = place_of(&state, room, caller.user_id).await?;
    let body = WaitingPlaceBody::new(room, place);
    Ok(Written::created(path, executed.position, body))
}
