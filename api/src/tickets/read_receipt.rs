//! `GET /v1/tickets/{ticket}/receipt`

use std::sync::Arc;

use axum::extract::State;
use domain::TicketId;
use event_log::{RecordedEvent, StreamId};
use notary::receipt::{Receipt, Subject};
use projections::tickets::TicketRow;

use super::lookup::ticket_of;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, Query};
use crate::log::{ReceiptBody, entry, receipt};
use crate::{ApiError, ApiState};

/// More events than a ticket with all its attempts, refunds and disputes has.
const EVENTS_MAX: usize = 1_000;

/// The holder's receipt: the event by which the ticket is theirs, and the proof that it is in the log
#[utoipa::path(get, path = "/v1/tickets/{ticket}/receipt", tag = "tickets", params(("ticket" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = ReceiptBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`: the event is not notarised yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_ticket_receipt(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    Query(()): Query<()>,
    known: IfNoneMatch,
) -> Result<One<Receipt>, ApiError> {
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let event = decisive(&state, &row).await?.ok_or(ApiError::NotFound)?;
    let subject = Subject::Ticket {
        ticket_id: ticket.to_string(),
    };
    Ok(One::new(receipt(&state, subject, entry(event)).await?, known))
}

/// It was given to them, or issued, or at least ordered; before that its seat was held for them.
async fn decisive(state: &ApiState, ticket: &TicketRow) -> Result<Option<RecordedEvent>, ApiError> {
    let stream = StreamId {
        aggregate_type: "ticket",
        aggregate_id: Arc::from(ticket.id.to_string()),
    };
    let events = state.log.read_stream(&stream, 0, EVENTS_MAX).await?;
    for wanted in [&["ticket_issued", "ticket_transferred"][..], &["ticket_ordered"]] {
        let mut latest_first = events.iter().rev();
        if let Some(found) = latest_first.find(|event| wanted.contains(&event.event_type.as_str())) {
            return Ok(Some(found.clone()));
        }
    }
    let held = state.log.read_at(&[ticket.created_position]).await?;
    Ok(held.into_iter().find(|event| event.event_type == "seat_held"))
}
