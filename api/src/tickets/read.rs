//! `GET /v1/tickets/{ticket}`

use axum::extract::State;
use domain::TicketId;
use projections::View;
use projections::tickets::{TicketRow, is_about, past_ticket};

use super::TicketBody;
use super::lookup::known_ticket;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{AsOfQuery, Caller, Id, MinPosition, Query};
use crate::past::each_event;
use crate::{ApiError, ApiState};

/// One ticket: for its holder, the host of its room, and admins; with `as_of` as it was then, told from its events. Who has it
/// now sees what it was since it is theirs
#[utoipa::path(get, path = "/v1/tickets/{ticket}", tag = "tickets", params(("ticket" = Uuid, Path), MinPosition, AsOfQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = TicketBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`: the moment is not known yet, or more than 50,000 events come before it: a longer history is not told",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_ticket(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    Query((waiting, moment)): Query<(MinPosition, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<TicketBody>, ApiError> {
    state.wait_for(View::Tickets, waiting.min_position).await?;
    let mut row = known_ticket(&state, ticket).await?;
    let may_see = |row: &TicketRow| row.holder == caller.user_id || row.host == caller.user_id || caller.is_admin();
    if !may_see(&row) {
        return Err(ApiError::NotFound);
    }
    if let Some(until) = state.position_of(moment.as_of).await? {
        row = as_it_was(&state, &row, until).await?.ok_or(ApiError::NotFound)?;
        if !may_see(&row) {
            return Err(ApiError::NotFound);
        }
    }
    Ok(One::new(row.into(), known))
}

async fn as_it_was(state: &ApiState, ticket: &TicketRow, until: u64) -> Result<Option<TicketRow>, ApiError> {
    let mut events = vec![];
    each_event(state, "room", ticket.room_id.as_uuid(), until, |event| {
        if is_about(&event.event, ticket.id) {
            events.push((event.position, event.event));
        }
    })
    .await?;
    each_event(state, "ticket", ticket.id.as_uuid(), until, |event| {
        events.push((event.position, event.event));
    })
    .await?;
    events.sort_by_key(|(position, _)| *position);
    past_ticket(ticket.id, &events).map_err(|error| ApiError::Internal(Box::new(error)))
}
