//! `POST /v1/rooms/{room}/tickets`: a buyer holds a seat.

use axum::extract::State;
use domain::room::HoldSeat;
use domain::{Channel, RoomCommand, RoomId, TicketId};

use super::ticket::{TicketBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, IdempotencyKey, NoBody, fingerprint};
use crate::{ApiError, ApiState};

/// Hold a seat until `expires_at`; pay for it in time
#[utoipa::path(post, path = "/v1/rooms/{room}/tickets", tag = "tickets",
    params(("room" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = TicketBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`sold_out` · `sales_not_open` · `sales_closed` · `ticket_limit_reached` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn hold_seat(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    key: IdempotencyKey,
    body: NoBody,
) -> Result<Written<ReadBack<TicketBody>>, ApiError> {
    let path = format!("/v1/rooms/{room}/tickets");
    let ticket_id = TicketId::from_uuid(key.id(caller.user_id, &path));
    let command = RoomCommand::HoldSeat(HoldSeat {
        ticket_id,
        buyer: caller.user_id,
        channel: Channel::Web,
        request: fingerprint(&path, &body)?,
        at: state.now(),
    });
    let metadata = caller.keyed_metadata(&key);
    let executed = state
        .aggregates
        .rooms
        .execute(room.as_uuid(), command, metadata)
        .await?;
    let body = read_back(&state, ticket_id, executed.position).await;
    Ok(Written::created(
        format!("/v1/tickets/{ticket_id}"),
        executed.position,
        body,
    ))
}
