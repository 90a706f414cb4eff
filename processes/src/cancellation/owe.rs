//! Everybody who bought a seat gets the money back.

use domain::ticket::RefundReason;
use domain::{Room, RoomId, TicketId};

use crate::refunds::Owing;
use crate::{Deps, Job, JobContext, JobResult, Outcome, refunds};

/// Finds who bought a seat. A payment that arrives later finds the room over, and is owed back by checkout.
pub async fn refund_room(deps: &Deps, room: RoomId, reason: RefundReason) -> JobResult {
    let sold = |room: &Room| room.sold().map(|(ticket, _)| ticket).collect::<Vec<_>>();
    let (sold, _) = deps.aggregates.rooms.read(room.as_uuid(), sold).await?;
    let owe = sold.into_iter().map(|ticket| Job::OweRefund { room, ticket, reason });
    Ok(Outcome::Then(owe.collect()))
}

pub async fn owe_refund(
    deps: &Deps,
    context: &JobContext,
    room: RoomId,
    ticket: TicketId,
    reason: RefundReason,
) -> JobResult {
    match refunds::owe(deps, context, room, ticket, reason).await? {
        Owing::Owed | Owing::NothingPaid | Owing::AlreadyRefunded => Ok(Outcome::Done),
    }
}
