//! `POST /v1/rooms/{room}/tickets`: a buyer holds a seat.

use axum::extract::State;
use domain::room::HoldSeat;
use domain::{Channel, Room, RoomCommand, RoomEvent, RoomId, TicketId};
use event_log::Executed;

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
    (status = 409, description = "`sold_out` · `sales_not_open` · `sales_paused` · `sales_closed` · `ticket_limit_reached` · `room_over`",
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
    let (location, position) = (format!("/v1/tickets/{ticket_id}"), executed.position);
    let body = match held(room, executed) {
        Some(body) => ReadBack::Whole(body),
        // A repeat: the ticket may have been paid or lapsed since, which its view knows.
        None => read_back(&state, ticket_id, position).await,
    };
    Ok(Written::created(location, position, body))
}

/// The ticket as its hold made it, which is what the view will show of it: a buyer in a rush does not wait for the view.
fn held(room: RoomId, executed: Executed<Room>) -> Option<TicketBody> {
    // The last event, and so the one at the command's position; what lapsed before is released first.
    match executed.events.into_iter().next_back()? {
        RoomEvent::SeatHeld(held) => Some(TicketBody::held(room, held, executed.position)),
        _ => None,
    }
}
