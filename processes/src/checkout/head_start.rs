//! Whoever records a capture carries it on at once: sells the seat, issues the ticket.
//!
//! Nothing rests on this. The events lead to the same steps as jobs, which are stored for whatever is not done by then;
//! each step is a repeat the second time.

use domain::TicketId;
use tracing::debug;
use uuid::Uuid;

use super::issue::issue_ticket;
use super::sell::{SoldNow, sell};
use crate::{Deps, JobContext, JobError};

/// The capture was recorded at `position`. Bounded by its callers, who carry on so many at once.
pub(crate) async fn head_start(deps: &Deps, ticket: TicketId, position: u64, correlation_id: Uuid) {
    if !deps.settings.head_start {
        return;
    }
    let result = carry_on(deps, ticket, position, correlation_id).await;
    let outcome = match &result {
        Ok(()) => "done",
        Err(_) => "left",
    };
    metrics::counter!("purchases_carried_on_total", "outcome" => outcome).increment(1);
    if let Err(reason) = result {
        debug!(ticket.id = %ticket, "ticket {ticket} is left to its jobs: {reason}");
    }
}

async fn carry_on(deps: &Deps, ticket: TicketId, position: u64, correlation_id: Uuid) -> Result<(), JobError> {
    let because_of = |caused_by| JobContext {
        process: "process:checkout",
        caused_by,
        correlation_id,
    };
    if let Some(SoldNow { room, position }) = sell(deps, &because_of(position), ticket).await? {
        // What follows from it, if anything, is found by the job: it is stored unless there is nothing left to do.
        issue_ticket(deps, &because_of(position), room, ticket).await?;
    }
    Ok(())
}
