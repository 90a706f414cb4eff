//! What the tickets view answers with.

use domain::ticket::{RefundInitiator, RefundReason};
use domain::{Money, PaymentId, RefundId, RoomId, Terms, TicketId, Timestamp, UserId};
use serde::Deserialize;

use crate::convert::words;

words! {
    pub enum TicketState {
        Held = "held",
        PaymentPending = "payment_pending",
        Issued = "issued",
        Admitted = "admitted",
        Lapsed = "lapsed",
        /// The hold was given back, its room cancelled, or its buyer sent out.
        Released = "released",
        Refunded = "refunded",
        /// Earned by the host. Whether the holder was there is `was_admitted`.
        Settled = "settled",
        /// A dispute was lost: it admits nobody.
        Revoked = "revoked",
    }
}

words! {
    pub enum PaymentState {
        /// Recorded; the provider has not answered yet.
        Started = "started",
        /// Known to the provider, which waits for the buyer.
        Accepted = "accepted",
        Captured = "captured",
        Declined = "declined",
        /// Called off before it was paid.
        Cancelled = "cancelled",
    }
}

words! {
    pub enum RefundState {
        Owed = "owed",
        Sent = "sent",
        Completed = "completed",
        Failed = "failed",
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketRow {
    pub id: TicketId,
    pub room_id: RoomId,
    pub host: UserId,
    pub holder: UserId,
    pub state: TicketState,
    /// The holder has walked in, whatever happened since.
    pub was_admitted: bool,
    /// While held or being paid.
    pub expires_at: Option<Timestamp>,
    pub terms: Terms,
    /// By attempt.
    pub payments: Vec<PaymentRow>,
    /// In the order they came to be owed.
    pub refunds: Vec<RefundRow>,
    pub created_at: Timestamp,
    /// Where the seat was held: the lists' cursor.
    pub created_position: u64,
    /// The last event that changed this ticket.
    pub position: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub attempt: u32,
    pub provider: String,
    pub provider_ref: Option<String>,
    pub state: PaymentState,
    pub amount: Money,
    /// What the provider keeps of a captured payment.
    pub fee: Option<Money>,
    /// Why it was declined.
    pub reason: Option<String>,
    pub started_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct RefundRow {
    pub id: RefundId,
    pub payment_id: PaymentId,
    pub state: RefundState,
    pub amount: Money,
    pub reason: RefundReason,
    pub initiated_by: RefundInitiator,
    pub in_full: bool,
    /// Why the provider would not do it.
    pub failure: Option<String>,
    pub owed_at: Timestamp,
}
