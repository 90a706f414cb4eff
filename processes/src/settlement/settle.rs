//! From a delivered room to its host's balance: room, tickets, account.

use domain::payout::SettledSale;
use domain::room::{DeliveryRecorded, Missing};
use domain::{PayoutCommand, Room, RoomId, Ticket, TicketCommand, TicketId};

use crate::job::CreditEarning;
use crate::{Deps, Job, JobContext, JobError, JobResult, Outcome};

/// Finds the sales of a delivered room. A ticket that is issued after this is settled by checkout.
pub async fn settle_room(deps: &Deps, room: RoomId) -> JobResult {
    let look = |room: &Room| {
        let sold = room.sold().map(|(ticket, _)| ticket).collect::<Vec<_>>();
        (sold, room.delivery().and_then(DeliveryRecorded::missing))
    };
    let ((sold, missing), _) = deps.aggregates.rooms.read(room.as_uuid(), look).await?;
    let settle = sold.into_iter().map(|ticket| Job::SettleTicket { ticket, missing });
    Ok(Outcome::Then(settle.collect()))
}

/// Splits what was captured and not refunded, when what is missing of the room has gone back. A ticket without money in it
/// records nothing.
pub async fn settle_ticket(deps: &Deps, context: &JobContext, ticket: TicketId, missing: Option<Missing>) -> JobResult {
    let at = deps.clock.now();
    let settle = TicketCommand::Settle { missing, at };
    deps.aggregates
        .tickets
        .execute(ticket.as_uuid(), settle, context.metadata())
        .await?;
    Ok(Outcome::Done)
}

/// Credits the host. The account takes each ticket once.
pub async fn credit_earning(deps: &Deps, context: &JobContext, earning: CreditEarning) -> JobResult {
    let ticket = earning.ticket;
    let sale = |ticket: &Ticket| ticket.sale().cloned();
    let (sale, _) = deps.aggregates.tickets.read(ticket.as_uuid(), sale).await?;
    let Some(sale) = sale else {
        return Err(JobError::Retry(format!("ticket {ticket} was never ordered")));
    };
    let host = sale.host;
    let credit = SettledSale {
        ticket_id: ticket,
        room_id: sale.room_id,
        gross: earning.gross,
        tax: earning.tax,
        store_fee: earning.store_fee,
        provider_fee: earning.provider_fee,
        platform_fee: sale.terms.platform_fee_rule(),
        earning: sale.terms.rules.earning,
        host,
        shares: sale.terms.rules.shares,
        at: deps.clock.now(),
    };
    deps.aggregates
        .payouts
        .execute(
            host.as_uuid(),
            PayoutCommand::CreditEarning(Box::new(credit)),
            context.metadata(),
        )
        .await?;
    Ok(Outcome::Done)
}
