//! Lets a ticket in when it is its turn.

use std::time::Duration;

use domain::{TicketCommand, TicketId, Timestamp};
use projections::View;
use projections::entitlements::turn_of;

use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// Whoever is let in as soon as this waits here; who is further behind comes again.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Takes the ticket's place in line, once, and waits for its turn if that is near.
pub(crate) async fn wait_for_turn(state: &ApiState, caller: &Caller, ticket: TicketId) -> Result<(), ApiError> {
    let command = TicketCommand::Present {
        holder: caller.user_id,
        doors_per_second: state.doors_per_second,
        at: state.now(),
    };
    let tickets = &state.aggregates.tickets;
    tickets.execute(ticket.as_uuid(), command, caller.metadata()).await?;
    // The turn is in the view; and a ticket that was issued a moment ago must be there as well.
    if !state.has_reached(View::Entitlements, state.durable_position()).await {
        return Err(ApiError::ProjectionBehind);
    }
    let Some(turn) = turn_of(&state.pool, ticket).await? else {
        return Ok(());
    };
    let wait = wait_until(turn, state.now());
    if wait <= WAIT_MAX {
        tokio::time::sleep(wait).await;
        return Ok(());
    }
    Err(ApiError::DoorsBusy {
        place: state.live.line().place(state, turn).await?,
        wait_seconds: seconds(wait),
    })
}

pub(super) fn wait_until(turn: Timestamp, now: Timestamp) -> Duration {
    (turn - now).to_std().unwrap_or_default()
}

/// Rounded up: whoever waits as long as they are told is let in.
pub(super) fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}
