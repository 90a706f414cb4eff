//! The timer of a room's holds, and what a lapsed hold means for its ticket.

use std::time::Duration;

use domain::room::Seat;
use domain::{Room, RoomCommand, RoomId, TicketCommand, TicketError, TicketId, Timestamp};
use event_log::ExecuteError;

use crate::job::later;
use crate::{Deps, Job, JobContext, JobResult, Outcome};

/// A room whose holds lapse one after another is looked at so often, at most.
const PAUSE: Duration = Duration::from_millis(200);

/// The next hold of a room is over, or those who wait have their turn: release what has lapsed, which offers it to them, and
/// ring again for what is due after it.
pub async fn lapse_holds(deps: &Deps, context: &JobContext, room: RoomId) -> JobResult {
    let (now, rooms) = (deps.clock.now(), &deps.aggregates.rooms);
    let (next, _) = rooms
        .read(room.as_uuid(), move |room: &Room| room.next_due(now))
        .await?;
    match next {
        None => return Ok(Outcome::Done),
        Some(due_at) if due_at > now => return Ok(Outcome::RetryAt(due_at)),
        Some(_) => {}
    }
    let release = RoomCommand::ReleaseLapsed { at: now };
    rooms.execute(room.as_uuid(), release, context.metadata()).await?;
    let (next, _) = rooms
        .read(room.as_uuid(), move |room: &Room| room.next_due(now))
        .await?;
    Ok(next.map_or(Outcome::Done, |due_at| Outcome::RetryAt(due_at.max(later(now, PAUSE)))))
}

/// The time of one hold is over, by a timer of an older version: release what has lapsed, unless it was paid or released meanwhile.
pub async fn release_lapsed(
    deps: &Deps,
    context: &JobContext,
    room: RoomId,
    ticket: TicketId,
    expires_at: Timestamp,
) -> JobResult {
    let holds = move |room: &Room| matches!(room.seat(ticket), Some(Seat::Held(_)));
    let (is_held, _) = deps.aggregates.rooms.read(room.as_uuid(), holds).await?;
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
    // One command releases a limited number, and others may have lapsed before this one.
    let (is_held, _) = deps.aggregates.rooms.read(room.as_uuid(), holds).await?;
    if is_held {
        return Ok(Outcome::RetryAt(now));
    }
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
