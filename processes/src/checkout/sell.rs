//! Captured money, or a free order, asks its room for the seat.

use domain::ticket::{Sale, TicketPhase};
use domain::{RoomCommand, Ticket, TicketId};

use crate::{Deps, JobContext, JobResult, Outcome};

/// Asks the room to sell the seat; the room answers with `SeatSold` or `SeatDenied`. Nothing to do for a ticket that is
/// already issued, or whose money is already on its way back.
pub async fn sell_seat(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let (sale, _) = deps.aggregates.tickets.read(ticket.as_uuid(), awaiting_seat).await?;
    let Some(sale) = sale else {
        return Ok(Outcome::Done);
    };
    let sell = RoomCommand::SellSeat {
        ticket_id: ticket,
        buyer: sale.buyer,
        at: deps.clock.now(),
    };
    deps.aggregates
        .rooms
        .execute(sale.room_id.as_uuid(), sell, context.metadata())
        .await?;
    Ok(Outcome::Done)
}

/// The sale, if it is paid (or free) and has neither become a ticket nor been refunded.
fn awaiting_seat(ticket: &Ticket) -> Option<Sale> {
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
        | TicketPhase::Settled => None,
    }
}
