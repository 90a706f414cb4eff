//! Sending a payout to the provider, and recording what it made of it.

use domain::payout::PayoutPhase;
use domain::{Payout, PayoutCommand, PayoutId, UserId};
use payments::{CreateTransfer, MovementState, ProviderError};

use crate::{Deps, JobContext, JobError, JobResult, Outcome};

/// Asks the provider to pay the host. The payout's id is the key, so asking twice pays once.
pub async fn send_payout(deps: &Deps, context: &JobContext, host: UserId, payout_id: PayoutId) -> JobResult {
    let look = move |account: &Payout| (account.payout(payout_id).cloned(), account.is_suspended());
    let ((payout, is_suspended), _) = deps.aggregates.payouts.read(host.as_uuid(), look).await?;
    let Some(payout) = payout else {
        return Err(JobError::Retry(format!("host {host} has no payout {payout_id}")));
    };
    match payout.state {
        // It waits: the provider may have been asked already, so the money does not come back. Reinstatement sends it.
        PayoutPhase::Requested if is_suspended => return Ok(Outcome::Done),
        PayoutPhase::Requested | PayoutPhase::Sent => {}
        PayoutPhase::Paid | PayoutPhase::Failed | PayoutPhase::Returned => return Ok(Outcome::Done),
    }
    let request = CreateTransfer {
        payout_id,
        destination: payout.destination,
        amount: payout.amount,
    };
    let movement = match deps.provider.create_transfer(request).await {
        Ok(movement) => movement,
        Err(ProviderError::Refused { code }) => return fail(deps, context, host, payout_id, code).await,
        Err(error @ ProviderError::Unavailable(_)) => return Err(error.into()),
    };
    let sent = PayoutCommand::RecordSent {
        payout_id,
        provider_ref: movement.provider_ref,
        at: deps.clock.now(),
    };
    record(deps, context, host, sent).await?;
    match movement.state {
        // The provider's event will tell.
        MovementState::Pending => Ok(Outcome::Done),
        MovementState::Completed => {
            let at = deps.clock.now();
            record(deps, context, host, PayoutCommand::RecordPaid { payout_id, at }).await
        }
        MovementState::Failed { reason } => fail(deps, context, host, payout_id, reason).await,
    }
}

async fn fail(deps: &Deps, context: &JobContext, host: UserId, payout_id: PayoutId, reason: String) -> JobResult {
    let at = deps.clock.now();
    let failed = PayoutCommand::RecordFailed { payout_id, reason, at };
    record(deps, context, host, failed).await
}

async fn record(deps: &Deps, context: &JobContext, host: UserId, command: PayoutCommand) -> JobResult {
    deps.aggregates
        .payouts
        .execute(host.as_uuid(), command, context.metadata())
        .await?;
    Ok(Outcome::Done)
}
