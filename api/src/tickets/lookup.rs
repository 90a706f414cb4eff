//! Finds a ticket for somebody who wants to do something with it.

use domain::{TicketId, UserId};
use projections::View;
use projections::tickets::{TicketRow, find_ticket};

use crate::{ApiError, ApiState};

/// How often a look that found nothing waits for the view and looks again. Once would do, were it not for a database that
/// crashes between the wait and the look: the view loses its last rows for a moment, and the look sits out the recovery.
const LOOKS_AFTER_A_WAIT: usize = 2;

/// The ticket, as far as anything durable is known of it: one that is not there yet is waited for, so that a hold can be
/// read and paid in the next moment: its answer does not wait for the view.
pub(super) async fn known_ticket(state: &ApiState, ticket: TicketId) -> Result<TicketRow, ApiError> {
    if let Some(row) = find_ticket(&state.pool, ticket).await? {
        return Ok(row);
    }
    for _ in 0..LOOKS_AFTER_A_WAIT {
        state.wait_for(View::Tickets, Some(state.durable_position())).await?;
        if let Some(row) = find_ticket(&state.pool, ticket).await? {
            return Ok(row);
        }
    }
    Err(ApiError::NotFound)
}

/// The same for its holder; a ticket of somebody else does not exist.
pub(crate) async fn ticket_of(state: &ApiState, ticket: TicketId, holder: UserId) -> Result<TicketRow, ApiError> {
    let row = known_ticket(state, ticket).await?;
    if row.holder == holder {
        Ok(row)
    } else {
        Err(ApiError::NotFound)
    }
}
