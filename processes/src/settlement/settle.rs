//! From a delivered room to its host's balance: room, tickets, account.

use domain::payout::SettledSale;
use domain::{PayoutCommand, Room, RoomId, Ticket, TicketCommand, TicketId};

use crate::job::CreditEarning;
use crate::{Deps, Job, JobContext, JobError, JobResult, Outcome};

/// Finds the sales of a delivered room. A ticket that is issued after this is settled by checkout.
pub async fn settle_room(deps: &Deps, room: RoomId) -> JobResult {
    let sold = |room: &Room| room.sold().map(|(ticket, _)| ticket).collect::<Vec<_>>();
    let (sold, _) = deps.aggregates.rooms.read(room.as_uuid(), sold).await?;
    let settle = sold.into_iter().map(|ticket| Job::SettleTicket { ticket });
    Ok(Outcome::Then(settle.collect()))
}

/// Splits what was captured and not refunded. A ticket without money in it records nothing.
pub async fn settle_ticket(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let settle = TicketCommand::Settle { at: deps.clock.now() };
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
