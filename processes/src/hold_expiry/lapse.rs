//! The timer of a hold, and what a lapsed hold means for its ticket.

use domain::room::Seat;
use domain::{Room, RoomCommand, RoomId, TicketCommand, TicketError, TicketId, Timestamp};
use event_log::ExecuteError;

use crate::{Deps, Job, JobContext, JobResult, Outcome};

/// The time of a hold is over: release what has lapsed, unless it was paid or released meanwhile.
pub async fn release_lapsed(
    deps: &Deps,
    context: &JobContext,
    room: RoomId,
    ticket: TicketId,
    expires_at: Timestamp,
) -> JobResult {
    let is_held = move |room: &Room| matches!(room.seat(ticket), Some(Seat::Held(_)));
    let (is_held, _) = deps.aggregates.rooms.read(room.as_uuid(), is_held).await?;
    if !is_held {
        return Ok(Outcome::Done);
    }
    let now = deps.clock.now();
    // The clock was set back since the timer rang.
    if now < expires_at {
        return Ok(Outcome::RetryAt(expires_at));
    }
    deps.aggregates
        .rooms
        .execute(
            room.as_uuid(),
            RoomCommand::ReleaseLapsed { at: now },
            context.metadata(),
        )
        .await?;
    Ok(Outcome::Done)
}

/// The seat is free again: the ticket lapses unless there is money in it, and its open payments are called off.
pub async fn lapse_ticket(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let lapse = TicketCommand::Lapse { at: deps.clock.now() };
    match deps
        .aggregates
        .tickets
        .execute(ticket.as_uuid(), lapse, context.metadata())
        .await
    {
        Ok(_) => Ok(Outcome::Then(vec![Job::CancelIntents { ticket }])),
        // Nobody tried to pay.
        Err(ExecuteError::Refused(TicketError::NotOrdered)) => Ok(Outcome::Done),
        Err(error) => Err(error.into()),
    }
}
