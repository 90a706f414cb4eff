//! From an event of the provider to a command. Safe to repeat: the same event comes by webhook, by a doubled webhook, and
//! by the sweep.

use domain::{PayoutCommand, PayoutError, PayoutId, Ticket, TicketCommand, TicketError, TicketEvent, TicketId, UserId};
use event_log::{ExecuteError, Executed, Metadata};
use payments::{ProviderEvent, ProviderEventKind};
use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use crate::{Deps, checkout};

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
            let accepted = TicketCommand::RecordAccepted {
                payment_id,
                provider_ref,
                at,
            };
            let captured = TicketCommand::RecordCapture {
                payment_id,
                amount,
                provider_fee: fee,
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
        } => {
            let failed = TicketCommand::RecordRefundFailed { refund_id, reason, at };
            tell_ticket(deps, ticket_id, vec![failed], metadata).await.map(drop)
        }
        ProviderEventKind::TransferPaid { payout_id } => {
            let paid = PayoutCommand::RecordPaid { payout_id, at };
            tell_account(deps, payout_id, paid, metadata).await
        }
        ProviderEventKind::TransferFailed { payout_id, reason } => {
            let failed = PayoutCommand::RecordFailed { payout_id, reason, at };
            tell_account(deps, payout_id, failed, metadata).await
        }
        ProviderEventKind::Other { .. } => Ok(()),
    }
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
            refusal @ (TicketError::NotOrdered | TicketError::UnknownPayment | TicketError::UnknownRefund),
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
