//! From the host's account to that of somebody who shares the sale.

use domain::payout::SharedEarning;
use domain::{PayoutCommand, Ticket};

use crate::job::CreditShare;
use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// The account takes each ticket once. It waits there as long as the host's own part does.
pub async fn credit_share(deps: &Deps, context: &JobContext, share: CreditShare) -> JobResult {
    let ticket = share.ticket;
    let rules = |ticket: &Ticket| ticket.sale().map(|sale| sale.terms.rules.earning);
    let (rules, _) = deps.aggregates.tickets.read(ticket.as_uuid(), rules).await?;
    let earning = rules.ok_or_else(|| JobError::Retry(format!("ticket {ticket} was never ordered")))?;
    let credit = SharedEarning {
        ticket_id: ticket,
        room_id: share.room,
        host: share.host,
        share: share.share,
        earning,
        at: deps.clock.now(),
    };
    let credit = PayoutCommand::CreditShare(Box::new(credit));
    deps.aggregates
        .payouts
        .execute(share.user.as_uuid(), credit, context.metadata())
        .await?;
    Ok(Outcome::Done)
}
