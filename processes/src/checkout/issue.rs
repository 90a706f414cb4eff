//! The room's verdict reaches the ticket: it is issued, or its money goes back.

use domain::room::{Missing, RoomPhase};
use domain::ticket::{RefundReason, TicketPhase};
use domain::{Room, RoomId, Ticket, TicketCommand, TicketId};

use super::intent::is_open;
use crate::refunds::Owing;
use crate::{Deps, Job, JobContext, JobResult, Outcome, refunds};

/// The seat is sold: issue the ticket.
///
/// A room may have been cancelled, or its delivery recorded, between the sale and this moment; those who went through
/// the room's tickets then did not see this one as issued. So what they decided is looked up and done here.
pub async fn issue_ticket(deps: &Deps, context: &JobContext, room: RoomId, ticket: TicketId) -> JobResult {
    let issue = TicketCommand::Issue { at: deps.clock.now() };
    let tickets = &deps.aggregates.tickets;
    tickets.execute(ticket.as_uuid(), issue, context.metadata()).await?;
    let (
        Standing {
            phase,
            has_open_payments,
        },
        _,
    ) = tickets.read(ticket.as_uuid(), Standing::of).await?;
    if matches!(phase, TicketPhase::Refunded | TicketPhase::Revoked) {
        // The money went back before the ticket came out: the seat must not stay sold.
        return refunds::release(deps, context, room, ticket).await;
    }
    let (verdict, _) = deps.aggregates.rooms.read(room.as_uuid(), verdict_on).await?;
    let mut next = vec![];
    match verdict {
        Verdict::Open => {}
        Verdict::Delivered(missing) => next.push(Job::SettleTicket { ticket, missing }),
        Verdict::Refund(reason) => next.push(Job::OweRefund { room, ticket, reason }),
    }
    if has_open_payments {
        next.push(Job::CancelIntents { ticket });
    }
    Ok(if next.is_empty() {
        Outcome::Done
    } else {
        Outcome::Then(next)
    })
}

/// What an issued ticket may still be in need of.
struct Standing {
    phase: TicketPhase,
    has_open_payments: bool,
}

impl Standing {
    fn of(ticket: &Ticket) -> Self {
        Self {
            phase: ticket.phase(),
            has_open_payments: ticket.payments().any(is_open),
        }
    }
}

/// Whether `issue_ticket` has nothing to do for this ticket, unless its room says otherwise.
pub(crate) fn is_issued_and_settled(ticket: &Ticket) -> bool {
    let Standing {
        phase,
        has_open_payments,
    } = Standing::of(ticket);
    match phase {
        TicketPhase::Issued | TicketPhase::Admitted | TicketPhase::Settled => !has_open_payments,
        TicketPhase::Unordered
        | TicketPhase::Ordered
        | TicketPhase::Lapsed
        | TicketPhase::Refunded
        | TicketPhase::Revoked => false,
    }
}

/// Whether the room is one whose tickets nothing follows for, so far.
pub(crate) fn leaves_tickets_alone(room: &Room) -> bool {
    match verdict_on(room) {
        Verdict::Open => true,
        Verdict::Delivered(_) | Verdict::Refund(_) => false,
    }
}

enum Verdict {
    Open,
    /// But for what is missing.
    Delivered(Option<Missing>),
    Refund(RefundReason),
}

fn verdict_on(room: &Room) -> Verdict {
    if let Some(reason) = room.void_reason() {
        return Verdict::Refund(reason.into());
    }
    if room.phase() == RoomPhase::Cancelled {
        return Verdict::Refund(RefundReason::RoomCancelled);
    }
    match room.delivery() {
        None => Verdict::Open,
        Some(delivery) if delivery.delivered => Verdict::Delivered(delivery.missing()),
        Some(_) => Verdict::Refund(RefundReason::NotDelivered),
    }
}

/// The seat was gone when the money came: all of it goes back.
pub async fn refund_seat_gone(deps: &Deps, context: &JobContext, room: RoomId, ticket: TicketId) -> JobResult {
    let (phase, _) = deps.aggregates.tickets.read(ticket.as_uuid(), Ticket::phase).await?;
    match phase {
        TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed => {}
        // An earlier run of the sale got the seat after all, or the money is already on its way back.
        TicketPhase::Issued
        | TicketPhase::Admitted
        | TicketPhase::Refunded
        | TicketPhase::Settled
        | TicketPhase::Revoked => {
            return Ok(Outcome::Done);
        }
    }
    match refunds::owe(deps, context, room, ticket, RefundReason::SeatGone).await? {
        Owing::Owed | Owing::AlreadyRefunded => Ok(Outcome::Done),
        // A free order that came too late is over.
        Owing::NothingPaid => Ok(Outcome::Then(vec![Job::LapseTicket { ticket }])),
    }
}
