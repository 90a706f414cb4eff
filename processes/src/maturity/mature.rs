//! The timer of a host's account.

use domain::{Payout, PayoutCommand, UserId};

use crate::{Deps, JobContext, JobResult, Outcome};

/// Lets everything go whose time has come, in one command; and rings again for the rest.
pub async fn mature_earnings(deps: &Deps, context: &JobContext, host: UserId) -> JobResult {
    let (now, accounts) = (deps.clock.now(), &deps.aggregates.payouts);
    let next_due = move |account: &Payout| account.next_due(now);
    let (next, _) = accounts.read(host.as_uuid(), next_due).await?;
    match next {
        None => return Ok(Outcome::Done),
        Some(due_at) if due_at > now => return Ok(Outcome::RetryAt(due_at)),
        Some(_) => {}
    }
    let mature = PayoutCommand::MatureEarnings { at: now };
    accounts.execute(host.as_uuid(), mature, context.metadata()).await?;
    let (next, _) = accounts.read(host.as_uuid(), next_due).await?;
    Ok(next.map_or(Outcome::Done, Outcome::RetryAt))
}
