//! A purchase that an app store collected: its statement captures the payment that was started for it.
//!
//! The buyer's app brings the statement as a receipt; the operator's backend may send the same one as a notice. Whichever
//! comes first is recorded, and carried on like any capture.

use domain::{Channel, Ticket, TicketCommand, TicketError, TicketEvent, TicketId};
use event_log::{ExecuteError, Metadata};
use payments::store::{Statement, StatementKind};
use thiserror::Error;

use super::head_start;
use crate::Deps;

/// Why a statement changes nothing.
#[derive(Debug, Error)]
pub enum PurchaseError {
    /// It is of another ticket than the one it was brought for.
    #[error("it is for another ticket")]
    OtherTicket,
    #[error("it is of another channel than the ticket was held through")]
    OtherChannel,
    #[error("it is no purchase")]
    NoPurchase,
    /// There is no such ticket, or no payment was started for it.
    #[error("ticket {ticket}: no purchase was started: {reason}")]
    Unknown { ticket: TicketId, reason: TicketError },
    #[error("{0}")]
    Ticket(#[source] ExecuteError<TicketError>),
}

/// Records a purchase. A repeat records nothing. Returns the log position this rests on.
pub async fn record_purchase(deps: &Deps, statement: Statement, metadata: Metadata) -> Result<u64, PurchaseError> {
    let StatementKind::Purchased { amount } = statement.kind else {
        return Err(PurchaseError::NoPurchase);
    };
    let ticket = statement.ticket_id;
    require_channel(deps, ticket, statement.channel).await?;
    let purchase = TicketCommand::RecordPurchase {
        transaction: statement.transaction,
        amount,
        at: deps.clock.now(),
    };
    let correlation = metadata.correlation_id;
    let tickets = &deps.aggregates.tickets;
    let recorded = tickets.execute(ticket.as_uuid(), purchase, metadata).await;
    let recorded = recorded.map_err(|error| refusal(ticket, error))?;
    let is_capture = |event: &TicketEvent| matches!(event, TicketEvent::PaymentCaptured { .. });
    if recorded.events.iter().any(is_capture) {
        head_start(deps, ticket, recorded.position, correlation).await;
    }
    Ok(recorded.position)
}

/// Records that a store gave the money of a purchase back. A repeat records nothing.
pub(crate) async fn record_store_refund(
    deps: &Deps,
    statement: Statement,
    metadata: Metadata,
) -> Result<(), PurchaseError> {
    let ticket = statement.ticket_id;
    require_channel(deps, ticket, statement.channel).await?;
    let refund = TicketCommand::RecordStoreRefund {
        transaction: statement.transaction,
        at: deps.clock.now(),
    };
    let tickets = &deps.aggregates.tickets;
    let recorded = tickets.execute(ticket.as_uuid(), refund, metadata).await;
    recorded.map(drop).map_err(|error| refusal(ticket, error))
}

/// A purchase in one store does not pay for what was held through another.
async fn require_channel(deps: &Deps, ticket: TicketId, channel: Channel) -> Result<(), PurchaseError> {
    let look = |ticket: &Ticket| ticket.sale().map(|sale| sale.terms.channel);
    let read = deps.aggregates.tickets.read(ticket.as_uuid(), look).await;
    let (held, _) = read.map_err(PurchaseError::Ticket)?;
    match held {
        Some(held) if held == channel => Ok(()),
        Some(_) => Err(PurchaseError::OtherChannel),
        None => {
            let reason = TicketError::NotOrdered;
            Err(PurchaseError::Unknown { ticket, reason })
        }
    }
}

fn refusal(ticket: TicketId, error: ExecuteError<TicketError>) -> PurchaseError {
    if let ExecuteError::Refused(reason @ (TicketError::NotOrdered | TicketError::UnknownPayment)) = error {
        return PurchaseError::Unknown { ticket, reason };
    }
    PurchaseError::Ticket(error)
}
