//! The seat goes to whoever holds the ticket now: several transfers may be followed in any order, or at once.

use domain::room::Seat;
use domain::{Room, RoomCommand, Ticket, TicketId};

use crate::{Deps, JobContext, JobResult, Outcome};

pub async fn follow_holder(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let look = |ticket: &Ticket| ticket.sale().map(|sale| sale.room_id).zip(ticket.holder());
    let (known, _) = deps.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    let Some((room, holder)) = known else {
        return Ok(Outcome::Done);
    };
    let rooms = &deps.aggregates.rooms;
    let look = move |room: &Room| match room.seat(ticket) {
        Some(Seat::Sold { buyer }) => Some(buyer),
        Some(Seat::Held(_)) | None => None,
    };
    let (buyer, _) = rooms.read(room.as_uuid(), look).await?;
    if let Some(from) = buyer.filter(|buyer| *buyer != holder) {
        let transfer = RoomCommand::TransferSeat {
            ticket_id: ticket,
            from,
            to: holder,
            at: deps.clock.now(),
        };
        rooms.execute(room.as_uuid(), transfer, context.metadata()).await?;
    }
    Ok(Outcome::Done)
}
