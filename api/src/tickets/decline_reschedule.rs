//! `POST /v1/tickets/{ticket}/decline_reschedule`: the holder does not want the room's new time.

use axum::extract::State;
use domain::ticket::DeclineReschedule;
use domain::{RefundId, Room, TicketCommand, TicketError, TicketId};
use event_log::ExecuteError;
use uuid::Uuid;

use super::lookup::ticket_of;
use super::ticket::{TicketBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Decline the new time of a rescheduled room, within its window: everything paid goes back, and a free ticket ends
#[utoipa::path(post, path = "/v1/tickets/{ticket}/decline_reschedule", tag = "tickets", params(("ticket" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 202, body = TicketBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`not_refundable` · `refund_by_store`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn decline_reschedule(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    _: NoBody,
) -> Result<Written<ReadBack<TicketBody>>, ApiError> {
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let look = |room: &Room| room.facts().and_then(|facts| facts.reschedule);
    let (reschedule, _) = state.aggregates.rooms.read(row.room_id.as_uuid(), look).await?;
    let reschedule = reschedule.ok_or(TicketError::NotRefundable)?;
    let command = TicketCommand::DeclineReschedule(DeclineReschedule {
        // Of the ticket alone: it is declined once.
        refund_id: RefundId::from_uuid(Uuid::new_v5(&ticket.as_uuid(), b"reschedule_declined")),
        by: caller.user_id,
        held_at: row.created_at,
        rescheduled_at: reschedule.at,
        decline_until: reschedule.decline_until,
        at: state.now(),
    });
    let tickets = &state.aggregates.tickets;
    let executed = tickets
        .execute(ticket.as_uuid(), command, caller.metadata())
        .await
        .map_err(refusal)?;
    let body = read_back(&state, ticket, executed.position).await;
    Ok(Written::accepted(executed.position, body))
}

/// A ticket without money in it, or not issued yet, is there all the same.
fn refusal(error: ExecuteError<TicketError>) -> ApiError {
    match error {
        ExecuteError::Refused(TicketError::NotOrdered | TicketError::NotIssued) => TicketError::NotRefundable.into(),
        other => other.into(),
    }
}
