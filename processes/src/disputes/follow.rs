//! From the dispute to the host's account.

use domain::payout::DisputedEarning;
use domain::ticket::{Dispute, DisputeState, Sale, TicketPhase};
use domain::{Payout, PayoutCommand, Room, Ticket, TicketId};

use crate::{Deps, Job, JobContext, JobError, JobResult, Outcome};

/// Brings the host's account to where the dispute is. What was not earned yet is none of the account's business: the ticket
/// is not settled while a dispute is open, and is when it was won.
pub async fn follow(deps: &Deps, context: &JobContext, ticket: TicketId, dispute: &str) -> JobResult {
    let look = |state: &Ticket| {
        Some((
            state.sale()?.clone(),
            state.dispute(dispute)?.clone(),
            state.was_settled(),
            state.phase(),
        ))
    };
    let (found, _) = deps.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    let Some((sale, dispute, was_settled, phase)) = found else {
        return Err(JobError::Retry(format!("ticket {ticket} has no dispute {dispute}")));
    };
    if was_settled {
        tell_account(deps, context, &sale, dispute).await
    } else if dispute.state == DisputeState::Won && matches!(phase, TicketPhase::Issued | TicketPhase::Admitted) {
        // Its room may have been judged meanwhile.
        let room = sale.room_id;
        Ok(Outcome::Then(vec![Job::IssueTicket { room, ticket }]))
    } else if dispute.state == DisputeState::Won && matches!(phase, TicketPhase::Ordered | TicketPhase::Lapsed) {
        refund_if_seat_gone(deps, &sale).await
    } else {
        Ok(Outcome::Done)
    }
}

/// The seat was gone when the money came, and the money was the bank's when it was to go back.
async fn refund_if_seat_gone(deps: &Deps, sale: &Sale) -> JobResult {
    let (room, ticket) = (sale.room_id, sale.ticket_id);
    let has_denied = move |room: &Room| room.has_denied(ticket);
    let (has_denied, _) = deps.aggregates.rooms.read(room.as_uuid(), has_denied).await?;
    Ok(if has_denied {
        Outcome::Then(vec![Job::RefundSeatGone { room, ticket }])
    } else {
        Outcome::Done
    })
}

async fn tell_account(deps: &Deps, context: &JobContext, sale: &Sale, dispute: Dispute) -> JobResult {
    let (accounts, ticket_id) = (&deps.aggregates.payouts, sale.ticket_id);
    let is_credited = move |account: &Payout| account.is_credited(ticket_id);
    let (is_credited, _) = accounts.read(sale.host.as_uuid(), is_credited).await?;
    if !is_credited {
        return Err(JobError::Retry(format!("ticket {ticket_id} is not credited yet")));
    }
    let earning = DisputedEarning {
        ticket_id,
        dispute: dispute.dispute,
        amount: dispute.amount,
        at: deps.clock.now(),
    };
    let command = match dispute.state {
        DisputeState::Open => PayoutCommand::HoldEarning(earning),
        DisputeState::Won => PayoutCommand::ReleaseEarning(earning),
        DisputeState::Lost => PayoutCommand::ReverseEarning(earning),
    };
    accounts
        .execute(sale.host.as_uuid(), command, context.metadata())
        .await?;
    Ok(Outcome::Done)
}
