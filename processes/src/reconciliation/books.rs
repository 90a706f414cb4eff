//! The books, as far as they are about money at the provider.

use std::fmt;

use async_trait::async_trait;
use domain::{AnyEvent, Money, PayoutEvent, TicketEvent, Timestamp};
use payments::StatementKind;
use thiserror::Error;

/// A line of the provider's cash account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookLine {
    /// The event that was booked.
    pub position: u64,
    pub event_type: String,
    pub amount: Money,
    pub booked_at: Timestamp,
}

#[derive(Debug, Error)]
#[error("the books cannot be read")]
pub struct BooksError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The port to the ledger.
#[async_trait]
pub trait Books: Send + Sync + fmt::Debug + 'static {
    /// The lines of a provider's cash account after a position, in order, at most `limit`.
    async fn cash_lines(&self, provider: &str, after: u64, limit: u32) -> Result<Vec<BookLine>, BooksError>;
}

/// What both sides call the same movement: its kind, and our id of it or the provider's of a dispute.
pub(super) fn reference(kind: StatementKind, subject: &str) -> String {
    format!("{}:{subject}", kind.name())
}

/// The reference of a movement that an event books.
pub(super) fn reference_of(event: &AnyEvent) -> Option<String> {
    match event {
        AnyEvent::Ticket(_, event) => of_ticket(event),
        AnyEvent::Payout(_, event) => of_payout(event),
        AnyEvent::Room(..) | AnyEvent::Shop(..) => None,
    }
}

fn of_ticket(event: &TicketEvent) -> Option<String> {
    match event {
        TicketEvent::PaymentCaptured { payment_id, .. } => {
            Some(reference(StatementKind::Charge, &payment_id.to_string()))
        }
        TicketEvent::RefundCompleted { refund_id, .. } => {
            Some(reference(StatementKind::Refund, &refund_id.to_string()))
        }
        TicketEvent::DisputeOpened(opened) => Some(reference(StatementKind::Dispute, &opened.dispute)),
        TicketEvent::DisputeWon { dispute, .. } => Some(reference(StatementKind::DisputeWon, dispute)),
        TicketEvent::DisputeLost(lost) => Some(reference(StatementKind::DisputeFee, &lost.dispute)),
        TicketEvent::TicketOrdered { .. }
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketIssued { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketPresented { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundOwed(_)
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketSettled(_)
        | TicketEvent::TicketTransferred { .. }
        | TicketEvent::TicketReturned { .. } => None,
    }
}

fn of_payout(event: &PayoutEvent) -> Option<String> {
    match event {
        PayoutEvent::PayoutPaid { payout_id, .. } => Some(reference(StatementKind::Transfer, &payout_id.to_string())),
        PayoutEvent::PayoutReturned { payout_id, .. } => {
            Some(reference(StatementKind::TransferReturned, &payout_id.to_string()))
        }
        PayoutEvent::HostApplied { .. }
        | PayoutEvent::HostApproved { .. }
        | PayoutEvent::HostWaitlisted(_)
        | PayoutEvent::HostDeclined(_)
        | PayoutEvent::HostSuspended { .. }
        | PayoutEvent::GuestBanned { .. }
        | PayoutEvent::GuestUnbanned { .. }
        | PayoutEvent::HostReinstated { .. }
        | PayoutEvent::FactsStated { .. }
        | PayoutEvent::TermsAccepted { .. }
        | PayoutEvent::DestinationLinked { .. }
        | PayoutEvent::EarningCredited(_)
        | PayoutEvent::EarningHeld(_)
        | PayoutEvent::EarningReleased(_)
        | PayoutEvent::EarningReversed(_)
        | PayoutEvent::PayoutRequested { .. }
        | PayoutEvent::PayoutSent { .. }
        | PayoutEvent::PayoutFailed { .. }
        | PayoutEvent::ShareCredited(_)
        | PayoutEvent::PayoutScheduleChosen { .. }
        | PayoutEvent::PayoutRolledOver { .. }
        | PayoutEvent::EarningsMatured { .. }
        | PayoutEvent::ReserveReleased { .. }
        | PayoutEvent::ReceivableNetted { .. } => None,
    }
}
