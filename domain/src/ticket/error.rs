//! Why a ticket says no.

use thiserror::Error;

use crate::{Money, MoneyError};

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TicketError {
    #[error("no such ticket")]
    NotOrdered,
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("the ticket is paid")]
    AlreadyPaid,
    #[error("the hold of this ticket is over")]
    HoldExpired,
    /// Each attempt so far is recorded; this ticket gets no other.
    #[error("this ticket has had all its {limit} attempts to pay")]
    TooManyAttempts { limit: u32 },
    #[error("no such payment")]
    UnknownPayment,
    #[error("no such refund")]
    UnknownRefund,
    /// A capture that is not what was asked for. Kept apart for a human: no automatic verdict.
    #[error("captured {captured}, expected {expected}")]
    WrongAmount { captured: Money, expected: Money },
    #[error("nothing was captured for this ticket")]
    NotPaid,
    #[error("the ticket is not issued")]
    NotIssued,
    #[error("the ticket was refunded")]
    Refunded,
    /// The holder is somebody else; the caller may not learn more.
    #[error("not the holder of this ticket")]
    NotHolder,
    #[error("this ticket cannot change hands")]
    NotTransferable,
    #[error("the terms of this sale allow no refund now")]
    NotRefundable,
    #[error("{requested} is more than the {left} that is left of what was captured")]
    RefundExceedsCaptured { requested: Money, left: Money },
    /// An app store collected it, and gives it back, or not.
    #[error("an app store collected the money of this ticket: ask there for it")]
    RefundedByStore,
    #[error("the ticket was revoked")]
    Revoked,
    /// Until the buyer's bank has decided, the money is neither here nor there.
    #[error("the payment is disputed")]
    Disputed,
    #[error("no such dispute")]
    UnknownDispute,
    /// A dispute that was won cannot be lost, and one that was lost cannot be won.
    #[error("the dispute has already ended")]
    DisputeEnded,
    #[error("amount out of range")]
    Money(#[from] MoneyError),
}
