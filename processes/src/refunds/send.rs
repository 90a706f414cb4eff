//! Sending a refund to the provider, and recording what it made of it.

use domain::ticket::{Payment, Refund, RefundState};
use domain::{RefundId, Ticket, TicketCommand, TicketId};
use payments::{CreateIntent, CreateRefund, Movement, MovementState, ProviderError};

use crate::checkout::record_intent;
use crate::{Deps, JobContext, JobError, JobResult, Outcome, inbox, refunds};

/// Asks the provider to give the money back. The refund's id is the key, so asking twice gives it back once.
///
/// A refund that failed is still owed. Its `RefundFailed` leads to this job once more; if the provider says no again, the
/// job is put aside as dead, where a human finds it, and may have it run as often as it takes.
pub async fn send_refund(deps: &Deps, context: &JobContext, ticket: TicketId, refund_id: RefundId) -> JobResult {
    let look = move |ticket: &Ticket| {
        let refund = ticket.refund(refund_id)?.clone();
        let payment = ticket.payment(refund.payment_id)?.clone();
        Some((refund, payment))
    };
    let (found, _) = deps.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    let Some((refund, payment)) = found else {
        return Err(JobError::Retry(format!("ticket {ticket} has no refund {refund_id}")));
    };
    match refund.state {
        RefundState::Owed | RefundState::Sent | RefundState::Failed => {}
        RefundState::Completed => return Ok(Outcome::Done),
    }
    if payment.is_by_store() {
        return ask_for_store_refund(deps, ticket, &refund).await;
    }
    let (made_through, provider) = (&payment.provider, deps.provider.name());
    if made_through != provider {
        let text = format!(
            "refund {refund_id} of ticket {ticket}: paid through {made_through}, and the provider is {provider}"
        );
        return Err(JobError::Fail(text));
    }
    let request = CreateRefund {
        refund_id,
        payment_id: payment.payment_id,
        ticket_id: ticket,
        payment_ref: payment_ref(deps, context, ticket, &payment).await?,
        amount: refund.amount,
    };
    match deps.provider.refund(request).await {
        Ok(Movement {
            state: MovementState::Failed { reason },
            provider_ref,
        }) => fail(deps, context, ticket, &refund, Some(provider_ref), reason).await,
        Ok(movement) => follow(deps, context, ticket, &refund, movement).await,
        Err(ProviderError::Refused { code }) => fail(deps, context, ticket, &refund, None, code).await,
        Err(error @ ProviderError::Unavailable(_)) => Err(error.into()),
    }
}

/// A store alone gives back what it collected, and tells when it has. Until then it is owed, and somebody must ask there.
async fn ask_for_store_refund(deps: &Deps, ticket: TicketId, refund: &Refund) -> JobResult {
    let kept = inbox::keep_store_refund_owed(deps, ticket, refund.refund_id, refund.amount).await;
    kept.map_err(|error| JobError::Outage(error.to_string()))?;
    Ok(Outcome::Done)
}

/// The money is on its way, or has arrived.
async fn follow(deps: &Deps, context: &JobContext, ticket: TicketId, refund: &Refund, movement: Movement) -> JobResult {
    record(deps, context, ticket, sent(deps, refund, movement.provider_ref)).await?;
    if movement.state == MovementState::Completed {
        let completed = TicketCommand::RecordRefundCompleted {
            refund_id: refund.refund_id,
            at: deps.clock.now(),
        };
        return record(deps, context, ticket, completed).await;
    }
    // The provider's event will tell.
    Ok(Outcome::Done)
}

/// The provider says no. The first time it is recorded, which leads to one more try; after that a human is needed.
async fn fail(
    deps: &Deps,
    context: &JobContext,
    ticket: TicketId,
    refund: &Refund,
    provider_ref: Option<String>,
    reason: String,
) -> JobResult {
    if refund.state == RefundState::Failed {
        let refund_id = refund.refund_id;
        let text = format!("refund {refund_id} of ticket {ticket} is still owed, and the provider says no: {reason}");
        return Err(JobError::Fail(text));
    }
    if let Some(provider_ref) = provider_ref {
        record(deps, context, ticket, sent(deps, refund, provider_ref)).await?;
    }
    let failed = TicketCommand::RecordRefundFailed {
        refund_id: refund.refund_id,
        reason,
        at: deps.clock.now(),
    };
    record(deps, context, ticket, failed).await
}

fn sent(deps: &Deps, refund: &Refund, provider_ref: String) -> TicketCommand {
    TicketCommand::RecordRefundSent {
        refund_id: refund.refund_id,
        provider_ref,
        at: deps.clock.now(),
    }
}

async fn record(deps: &Deps, context: &JobContext, ticket: TicketId, command: TicketCommand) -> JobResult {
    deps.aggregates
        .tickets
        .execute(ticket.as_uuid(), command, context.metadata())
        .await?;
    Ok(Outcome::Done)
}

/// The provider's reference of a captured payment. It is not recorded yet if we crashed between the provider's answer
/// and its record; asking again under the same key gives the same one.
async fn payment_ref(
    deps: &Deps,
    context: &JobContext,
    ticket: TicketId,
    payment: &Payment,
) -> Result<String, JobError> {
    if let Some(provider_ref) = &payment.provider_ref {
        return Ok(provider_ref.clone());
    }
    let request = CreateIntent {
        payment_id: payment.payment_id,
        ticket_id: ticket,
        amount: payment.amount,
    };
    let intent = deps.provider.create_intent(request).await?;
    let metadata = context.metadata();
    record_intent(deps, &metadata, ticket, payment.payment_id, payment.amount, &intent).await?;
    Ok(intent.provider_ref)
}

/// A fully refunded ticket admits nobody: its seat is offered again.
pub async fn release_seat(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let room = |ticket: &Ticket| ticket.sale().map(|sale| sale.room_id);
    let (room, _) = deps.aggregates.tickets.read(ticket.as_uuid(), room).await?;
    match room {
        Some(room) => refunds::release(deps, context, room, ticket).await,
        None => Err(JobError::Retry(format!("ticket {ticket} was never ordered"))),
    }
}
