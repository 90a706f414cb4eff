//! From an event of the provider to a command. Safe to repeat: the same event comes by webhook, by a doubled webhook, and
//! by the sweep.

use chrono::TimeDelta;
use domain::payout::ReturnedPayout;
use domain::ticket::{PaymentState, RefundState};
use domain::{
    Money, PaymentId, PayoutCommand, PayoutError, PayoutId, RefundId, Ticket, TicketCommand, TicketError, TicketEvent,
    TicketId, Timestamp, UserId,
};
use event_log::{ExecuteError, Executed, Metadata};
use payments::{Dispute, DisputeStage, IntentState, ProviderError, ProviderEvent, ProviderEventKind};
use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use super::notices::{self, Notice, NoticeKind};
use crate::{Deps, checkout};

/// A provider that captured and does not tell its fee is asked for so long; then the ticket comes first.
const FEE_WAIT_MAX: TimeDelta = TimeDelta::seconds(30);

/// Why an event of the provider has no effect yet.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The log or the database is away or busy: later, for as long as it takes.
    #[error("{0}")]
    Outage(String),
    /// It is about something that is not known here, or not yet.
    #[error("{0}")]
    Unknown(String),
    /// It contradicts what is recorded. No automatic verdict: a human looks at it.
    #[error("{0}")]
    Contradiction(String),
}

/// Records what the provider tells. `process` is the actor in the log.
pub async fn apply_event(deps: &Deps, process: &'static str, event: &ProviderEvent) -> Result<(), ApplyError> {
    // The same event has the same correlation, by whichever way it came.
    let correlation = Uuid::new_v5(&Uuid::NAMESPACE_OID, event.id.as_bytes());
    let metadata = Metadata::for_actor(process, correlation);
    let at = deps.clock.now();
    match event.kind.clone() {
        ProviderEventKind::PaymentCaptured {
            payment_id,
            ticket_id,
            provider_ref,
            amount,
            fee,
        } => {
            let capture = Capture {
                payment_id,
                ticket_id,
                provider_ref,
                amount,
                fee,
            };
            record_capture(deps, event, capture, metadata).await
        }
        ProviderEventKind::PaymentDeclined {
            payment_id,
            ticket_id,
            reason,
        } => {
            let declined = TicketCommand::RecordDecline { payment_id, reason, at };
            tell_ticket(deps, ticket_id, vec![declined], metadata).await.map(drop)
        }
        ProviderEventKind::RefundCompleted {
            refund_id, ticket_id, ..
        } => {
            let completed = TicketCommand::RecordRefundCompleted { refund_id, at };
            tell_ticket(deps, ticket_id, vec![completed], metadata).await.map(drop)
        }
        ProviderEventKind::RefundFailed {
            refund_id,
            ticket_id,
            reason,
            ..
        } => record_refund_failed(deps, event, ticket_id, refund_id, reason, metadata).await,
        ProviderEventKind::TransferPaid { payout_id } => {
            let paid = PayoutCommand::RecordPaid { payout_id, at };
            tell_account(deps, payout_id, paid, metadata).await
        }
        ProviderEventKind::TransferFailed { payout_id, reason } => {
            let failed = PayoutCommand::RecordFailed { payout_id, reason, at };
            tell_account(deps, payout_id, failed, metadata).await
        }
        ProviderEventKind::TransferReturned {
            payout_id,
            amount,
            reason,
        } => {
            let returned = ReturnedPayout {
                payout_id,
                in_all: amount,
                reason,
                at,
            };
            tell_account(deps, payout_id, PayoutCommand::RecordReturned(returned), metadata).await?;
            // A host is out of reach: somebody should ask why.
            let notice = Notice::of(event, NoticeKind::TransferReturned { amount }).about_payout(payout_id);
            notices::keep(deps, notice).await
        }
        ProviderEventKind::Dispute(dispute) => record_dispute(deps, event, dispute, metadata).await,
        // It is the buyer's turn, and the hold's time runs on; or it is none of our business.
        ProviderEventKind::PaymentRequiresAction { .. } | ProviderEventKind::Other { .. } => Ok(()),
        ProviderEventKind::Unreadable { reason, .. } => Err(ApplyError::Contradiction(reason)),
    }
}

async fn record_dispute(
    deps: &Deps,
    event: &ProviderEvent,
    dispute: Dispute,
    metadata: Metadata,
) -> Result<(), ApplyError> {
    let payment = deps.provider.find_payment(&dispute.payment_ref).await?;
    // An account may have other business, with disputes of its own.
    let Some(names) = payment.names else {
        return Ok(());
    };
    if let Some(command) = command_of(&dispute, names.payment_id, deps.clock.now()) {
        tell_ticket(deps, names.ticket_id, vec![command], metadata).await?;
    }
    // Evidence is for people to give, and in time.
    let notice = Notice::of(event, NoticeKind::Dispute(dispute)).about_ticket(names.ticket_id);
    notices::keep(deps, notice).await
}

/// What a dispute means for the ticket; nothing, where no money moved.
fn command_of(dispute: &Dispute, payment_id: PaymentId, at: Timestamp) -> Option<TicketCommand> {
    let name = dispute.dispute_ref.clone();
    match dispute.stage {
        DisputeStage::Opened => Some(TicketCommand::RecordDispute {
            dispute: name,
            payment_id,
            amount: dispute.amount,
            reason: dispute.reason.clone(),
            at,
        }),
        DisputeStage::Won => Some(TicketCommand::RecordDisputeWon { dispute: name, at }),
        DisputeStage::Lost => Some(TicketCommand::RecordDisputeLost {
            dispute: name,
            fee: dispute.fee.unwrap_or(Money::zero(dispute.amount.currency())),
            at,
        }),
        DisputeStage::Inquiry | DisputeStage::InquiryClosed => None,
    }
}

struct Capture {
    payment_id: PaymentId,
    ticket_id: TicketId,
    provider_ref: String,
    amount: Money,
    fee: Option<Money>,
}

async fn record_capture(
    deps: &Deps,
    event: &ProviderEvent,
    capture: Capture,
    metadata: Metadata,
) -> Result<(), ApplyError> {
    let (ticket_id, correlation) = (capture.ticket_id, metadata.correlation_id);
    let Some(provider_fee) = fee_of(deps, event, &capture).await? else {
        return Ok(());
    };
    let at = deps.clock.now();
    let accepted = TicketCommand::RecordAccepted {
        payment_id: capture.payment_id,
        provider_ref: capture.provider_ref,
        at,
    };
    let captured = TicketCommand::RecordCapture {
        payment_id: capture.payment_id,
        amount: capture.amount,
        provider_fee,
        at,
    };
    let recorded = tell_ticket(deps, ticket_id, vec![accepted, captured], metadata).await?;
    let is_capture = |event: &TicketEvent| matches!(event, TicketEvent::PaymentCaptured { .. });
    // A repeat records no capture: whoever recorded it has carried it on.
    if recorded.events.iter().any(is_capture) {
        checkout::head_start(deps, ticket_id, recorded.position, correlation).await;
    }
    Ok(())
}

/// The fee of a capture that is still to be recorded: from the event, or from the provider. `None` if the capture is
/// recorded, so that a repeated event asks nobody.
async fn fee_of(deps: &Deps, event: &ProviderEvent, capture: &Capture) -> Result<Option<Money>, ApplyError> {
    if let Some(fee) = capture.fee {
        return Ok(Some(fee));
    }
    let (ticket_id, payment_id) = (capture.ticket_id, capture.payment_id);
    let look = move |ticket: &Ticket| {
        let payment = ticket.payment(payment_id)?;
        Some(matches!(payment.state, PaymentState::Captured { .. }))
    };
    let read = deps.aggregates.tickets.read(ticket_id.as_uuid(), look).await;
    match read.map_err(|error| trouble(&format!("ticket {ticket_id}"), &error))?.0 {
        None => {
            return Err(ApplyError::Unknown(format!(
                "ticket {ticket_id} has no payment {payment_id}"
            )));
        }
        Some(true) => return Ok(None),
        Some(false) => {}
    }
    let found = deps.provider.find_payment(&capture.provider_ref).await?;
    if let IntentState::Captured { fee } = found.intent.state {
        return Ok(Some(fee));
    }
    let age = deps.clock.now().signed_duration_since(event.created_at);
    if age < FEE_WAIT_MAX {
        let reason = format!("the fee of payment {payment_id} is not known yet");
        return Err(ApplyError::Outage(reason));
    }
    // The buyer has paid and gets the ticket; the fee is for the books to find.
    let notice = Notice::of(event, NoticeKind::FeeUnknown).about_ticket(ticket_id);
    notices::keep(deps, notice).await?;
    Ok(Some(Money::zero(capture.amount.currency())))
}

/// A refund that failed although it was recorded as completed is money we have and owe: nobody may overlook it.
async fn record_refund_failed(
    deps: &Deps,
    event: &ProviderEvent,
    ticket_id: TicketId,
    refund_id: RefundId,
    reason: String,
    metadata: Metadata,
) -> Result<(), ApplyError> {
    let at = deps.clock.now();
    let kind = NoticeKind::RefundFailedLate {
        refund_id,
        reason: reason.clone(),
    };
    let failed = TicketCommand::RecordRefundFailed { refund_id, reason, at };
    let recorded = tell_ticket(deps, ticket_id, vec![failed], metadata).await?;
    if !recorded.events.is_empty() {
        return Ok(());
    }
    // A ticket that knows no such refund was refused above.
    let look = move |ticket: &Ticket| {
        let refund = ticket.refund(refund_id)?;
        let payment = ticket.payment(refund.payment_id)?;
        Some((refund.state, payment.provider_ref.clone()?))
    };
    let read = deps.aggregates.tickets.read(ticket_id.as_uuid(), look).await;
    let (found, _) = read.map_err(|error| trouble(&format!("ticket {ticket_id}"), &error))?;
    let Some((RefundState::Completed, payment_ref)) = found else {
        return Ok(());
    };
    if !deps.provider.has_refund_failed(&payment_ref, refund_id).await? {
        return Ok(());
    }
    notices::keep(deps, Notice::of(event, kind).about_ticket(ticket_id)).await
}

/// Records what the commands say, all or nothing. A repeat records no events.
async fn tell_ticket(
    deps: &Deps,
    ticket: TicketId,
    commands: Vec<TicketCommand>,
    metadata: Metadata,
) -> Result<Executed<Ticket>, ApplyError> {
    let tickets = &deps.aggregates.tickets;
    match tickets.execute_all(ticket.as_uuid(), commands, metadata).await {
        Ok(executed) => Ok(executed),
        Err(ExecuteError::Refused(
            refusal @ (TicketError::NotOrdered
            | TicketError::UnknownPayment
            | TicketError::UnknownRefund
            | TicketError::UnknownDispute),
        )) => Err(ApplyError::Unknown(format!("ticket {ticket}: {refusal}"))),
        Err(error) => Err(trouble(&format!("ticket {ticket}"), &error)),
    }
}

async fn tell_account(
    deps: &Deps,
    payout: PayoutId,
    command: PayoutCommand,
    metadata: Metadata,
) -> Result<(), ApplyError> {
    let host = find_host(&deps.pool, payout)
        .await
        .map_err(|error| ApplyError::Outage(format!("the database: {error}")))?
        .ok_or_else(|| ApplyError::Unknown(format!("payout {payout} is not known")))?;
    let payouts = &deps.aggregates.payouts;
    match payouts.execute(host.as_uuid(), command, metadata).await {
        Ok(_) => Ok(()),
        Err(ExecuteError::Refused(refusal @ PayoutError::UnknownPayout)) => {
            Err(ApplyError::Unknown(format!("payout {payout}: {refusal}")))
        }
        Err(error) => Err(trouble(&format!("payout {payout}"), &error)),
    }
}

impl From<ProviderError> for ApplyError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Refused { code } => Self::Unknown(format!("the provider refuses: {code}")),
            ProviderError::Unavailable(source) => Self::Outage(format!("the provider is unavailable: {source}")),
        }
    }
}

fn trouble<E: std::error::Error + 'static>(about: &str, error: &ExecuteError<E>) -> ApplyError {
    let text = format!("{about}: {error}");
    match error {
        ExecuteError::Conflict | ExecuteError::Overloaded | ExecuteError::Unavailable(_) => ApplyError::Outage(text),
        ExecuteError::Refused(_) | ExecuteError::Corrupt(_) | ExecuteError::Rejected(_) => {
            ApplyError::Contradiction(text)
        }
    }
}

/// Whose payout it is.
async fn find_host(pool: &PgPool, payout: PayoutId) -> sqlx::Result<Option<UserId>> {
    let host = sqlx::query_scalar!("SELECT host FROM payout_hosts WHERE payout_id = $1", payout.as_uuid())
        .fetch_optional(pool)
        .await?;
    Ok(host.map(UserId::from_uuid))
}
