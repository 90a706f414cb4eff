//! Captured money, or a free order, asks its room for the seat.

use domain::ticket::{Sale, TicketPhase};
use domain::{RoomCommand, RoomEvent, RoomId, Ticket, TicketId};

use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// Asks the room to sell the seat; the room answers with `SeatSold` or `SeatDenied`. Nothing to do for a ticket that is
/// already issued, or whose money is already on its way back.
pub async fn sell_seat(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    sell(deps, context, ticket).await?;
    Ok(Outcome::Done)
}

/// A seat that was sold by this call.
pub(super) struct SoldNow {
    pub(super) room: RoomId,
    pub(super) position: u64,
}

pub(super) async fn sell(deps: &Deps, context: &JobContext, ticket: TicketId) -> Result<Option<SoldNow>, JobError> {
    let (sale, _) = deps.aggregates.tickets.read(ticket.as_uuid(), awaiting_seat).await?;
    let Some(Sale { room_id, buyer, .. }) = sale else {
        return Ok(None);
    };
    let sell = RoomCommand::SellSeat {
        ticket_id: ticket,
        buyer,
        at: deps.clock.now(),
    };
    let rooms = &deps.aggregates.rooms;
    let executed = rooms.execute(room_id.as_uuid(), sell, context.metadata()).await?;
    let is_sold = executed
        .events
        .iter()
        .any(|event| matches!(event, RoomEvent::SeatSold(sold) if sold.ticket_id == ticket));
    Ok(is_sold.then_some(SoldNow {
        room: room_id,
        position: executed.position,
    }))
}

/// The sale, if it is paid (or free) and has neither become a ticket nor been refunded.
pub(crate) fn awaiting_seat(ticket: &Ticket) -> Option<Sale> {
    let sale = ticket.sale()?;
    let is_paid = sale.terms.total.is_zero() || ticket.captured()?.is_positive();
    match ticket.phase() {
        TicketPhase::Ordered | TicketPhase::Lapsed if is_paid => Some(sale.clone()),
        TicketPhase::Unordered
        | TicketPhase::Ordered
        | TicketPhase::Lapsed
        | TicketPhase::Issued
        | TicketPhase::Admitted
        | TicketPhase::Refunded
        | TicketPhase::Settled
        | TicketPhase::Revoked => None,
    }
}
