//! `POST /v1/tickets/{ticket}/release`: the buyer gives an unpaid seat back.

use axum::extract::State;
use domain::room::SeatReturn;
use domain::{RoomCommand, TicketId};

use super::lookup::ticket_of;
use super::ticket::{TicketBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Give a held seat back
#[utoipa::path(post, path = "/v1/tickets/{ticket}/release", tag = "tickets", params(("ticket" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = TicketBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`hold_expired` · `already_paid`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn release_seat(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    _: NoBody,
) -> Result<Written<ReadBack<TicketBody>>, ApiError> {
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let command = RoomCommand::ReleaseSeat {
        ticket_id: ticket,
        reason: SeatReturn::GivenBack { by: caller.user_id },
        at: state.now(),
    };
    let room = row.room_id.as_uuid();
    let executed = state.aggregates.rooms.execute(room, command, caller.metadata()).await?;
    let body = read_back(&state, ticket, executed.position).await;
    Ok(Written::changed(executed.position, body))
}
