//! A dispute, from the host's account to that of somebody who shares the sale.

use domain::payout::{DisputedShare, SharedDispute};
use domain::{Money, Payout, PayoutCommand, TicketId, UserId};

use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// Brings the account to where the dispute is by now. Jobs of one dispute may run in any order: what is over on the
/// account stays over.
pub async fn follow_share(
    deps: &Deps,
    context: &JobContext,
    host: UserId,
    ticket_id: TicketId,
    dispute: &str,
    user: UserId,
) -> JobResult {
    let accounts = &deps.aggregates.payouts;
    let look = |account: &Payout| Some((account.shared_dispute(dispute, user)?, account.currency_of(ticket_id)?));
    let (found, _) = accounts.read(host.as_uuid(), look).await?;
    let Some((stage, currency)) = found else {
        return Err(JobError::Retry(format!(
            "host {host} has no dispute {dispute} to share"
        )));
    };
    let is_credited = move |account: &Payout| account.is_credited(ticket_id);
    let (is_credited, _) = accounts.read(user.as_uuid(), is_credited).await?;
    if !is_credited {
        return Err(JobError::Retry(format!(
            "ticket {ticket_id} is not credited to {user} yet"
        )));
    }
    let share = |amount| DisputedShare {
        ticket_id,
        dispute: dispute.to_owned(),
        amount,
        at: deps.clock.now(),
    };
    let command = match stage {
        SharedDispute::Open(amount) => PayoutCommand::HoldShare(share(amount)),
        SharedDispute::Won => PayoutCommand::ReleaseShare(share(Money::zero(currency))),
        SharedDispute::Lost(amount) => PayoutCommand::ReverseShare(share(amount)),
    };
    accounts.execute(user.as_uuid(), command, context.metadata()).await?;
    Ok(Outcome::Done)
}
