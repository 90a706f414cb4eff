//! Owing money back by decision of a process, and giving seats back.

use domain::room::SeatReturn;
use domain::ticket::{OweRefund, RefundInitiator, RefundReason};
use domain::{RefundId, Room, RoomCommand, RoomId, TicketCommand, TicketError, TicketId};
use event_log::ExecuteError;
use uuid::Uuid;

use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owing {
    Owed,
    /// There is no money in this ticket.
    NothingPaid,
    /// All of it is already on its way back.
    AlreadyRefunded,
}

/// All that is left of a ticket's money is owed back. The refund's id follows from the ticket and the reason, so that a
/// repeat is a repeat.
pub(crate) async fn owe(
    deps: &Deps,
    context: &JobContext,
    room: RoomId,
    ticket: TicketId,
    reason: RefundReason,
) -> Result<Owing, JobError> {
    let now = deps.clock.now();
    let look = |room: &Room| (room.facts().map(|facts| facts.starts_at), room.was_opened());
    let ((starts_at, room_has_opened), _) = deps.aggregates.rooms.read(room.as_uuid(), look).await?;
    let owe = OweRefund {
        refund_id: refund_id(ticket, reason),
        amount: None,
        reason,
        by: RefundInitiator::System,
        room_starts_at: starts_at.unwrap_or(now),
        room_has_opened,
        request: None,
        at: now,
    };
    let tickets = &deps.aggregates.tickets;
    match tickets
        .execute(ticket.as_uuid(), TicketCommand::OweRefund(owe), context.metadata())
        .await
    {
        Ok(_) => Ok(Owing::Owed),
        Err(ExecuteError::Refused(TicketError::NotPaid | TicketError::NotOrdered)) => Ok(Owing::NothingPaid),
        // Or the bank has the money. Should it give in, the ticket goes on from there (`disputes`).
        Err(ExecuteError::Refused(TicketError::Refunded | TicketError::Revoked | TicketError::Disputed)) => {
            Ok(Owing::AlreadyRefunded)
        }
        Err(error) => Err(error.into()),
    }
}

fn refund_id(ticket: TicketId, reason: RefundReason) -> RefundId {
    let name = match reason {
        RefundReason::Requested => "requested",
        RefundReason::RoomCancelled => "room_cancelled",
        RefundReason::SeatGone => "seat_gone",
        RefundReason::ChargedTwice => "charged_twice",
        RefundReason::NotDelivered => "not_delivered",
        RefundReason::RescheduleDeclined => "reschedule_declined",
        RefundReason::StoreRefunded => "store_refunded",
        RefundReason::NoShow => "no_show",
        RefundReason::Crashed => "crashed",
        RefundReason::Moderated => "moderated",
    };
    RefundId::from_uuid(Uuid::new_v5(&ticket.as_uuid(), name.as_bytes()))
}

/// A refunded ticket gives its seat back. A room that has no such seat, or is over, records nothing.
pub(crate) async fn release(deps: &Deps, context: &JobContext, room: RoomId, ticket: TicketId) -> JobResult {
    let release = RoomCommand::ReleaseSeat {
        ticket_id: ticket,
        reason: SeatReturn::Refunded,
        at: deps.clock.now(),
    };
    deps.aggregates
        .rooms
        .execute(room.as_uuid(), release, context.metadata())
        .await?;
    Ok(Outcome::Done)
}
