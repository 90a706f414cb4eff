//! What can be asked of a ticket.

use crate::room::Missing;
use crate::ticket::event::{RefundInitiator, RefundReason};
use crate::{Fingerprint, Money, PaymentId, RefundId, RoomId, Terms, TicketId, Timestamp, UserId};

/// A command carries its time and every fact that was looked up for it. A repeat is accepted and records nothing.
#[derive(Clone, Debug)]
pub enum TicketCommand {
    Order(Box<OrderTicket>),
    StartPayment(StartPayment),
    RecordAccepted {
        payment_id: PaymentId,
        provider_ref: String,
        at: Timestamp,
    },
    /// A second capture of a ticket that is already paid is recorded and owed back at once (`rules.md` 18).
    RecordCapture {
        payment_id: PaymentId,
        amount: Money,
        provider_fee: Money,
        at: Timestamp,
    },
    RecordDecline {
        payment_id: PaymentId,
        reason: String,
        at: Timestamp,
    },
    /// An app store collected the money of a purchase, and says so: recorded as the capture of the payment that was started
    /// for it.
    RecordPurchase {
        transaction: String,
        amount: Money,
        at: Timestamp,
    },
    /// An app store gave the money of a purchase back: it decides that alone.
    RecordStoreRefund {
        transaction: String,
        at: Timestamp,
    },
    /// The provider called the payment off, as it was asked to.
    RecordCancelled {
        payment_id: PaymentId,
        at: Timestamp,
    },
    /// The room sold the seat to this ticket.
    Issue {
        at: Timestamp,
    },
    /// The hold lapsed. Nothing happens to a ticket with money in it.
    Lapse {
        at: Timestamp,
    },
    /// The holder stands at the doors for the first time, which let in so many a second.
    Present {
        holder: UserId,
        doors_per_second: u32,
        at: Timestamp,
    },
    /// The holder walks in for the first time.
    Admit {
        holder: UserId,
        at: Timestamp,
    },
    /// To another holder. That the room allows it was looked up.
    Transfer {
        by: UserId,
        to: UserId,
        at: Timestamp,
    },
    DeclineReschedule(DeclineReschedule),
    OweRefund(OweRefund),
    RecordRefundSent {
        refund_id: RefundId,
        provider_ref: String,
        at: Timestamp,
    },
    RecordRefundCompleted {
        refund_id: RefundId,
        at: Timestamp,
    },
    RecordRefundFailed {
        refund_id: RefundId,
        reason: String,
        at: Timestamp,
    },
    /// The room was delivered. Refused for nobody: a refunded or unpaid ticket has nothing to settle and records nothing.
    ///
    /// If a share of the room is missing, that share of the money goes back first.
    Settle {
        missing: Option<Missing>,
        at: Timestamp,
    },
    RecordDispute {
        dispute: String,
        payment_id: PaymentId,
        amount: Money,
        reason: String,
        at: Timestamp,
    },
    RecordDisputeWon {
        dispute: String,
        at: Timestamp,
    },
    RecordDisputeLost {
        dispute: String,
        fee: Money,
        at: Timestamp,
    },
}

#[derive(Clone, Debug)]
pub struct OrderTicket {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub host: UserId,
    pub buyer: UserId,
    pub terms: Terms,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct StartPayment {
    pub payment_id: PaymentId,
    pub provider: String,
    pub request: Fingerprint,
    pub at: Timestamp,
}

/// The holder does not want the room's new time. What is looked up: when the seat was held, and the room's last reschedule.
#[derive(Clone, Copy, Debug)]
pub struct DeclineReschedule {
    pub refund_id: RefundId,
    pub by: UserId,
    pub held_at: Timestamp,
    pub rescheduled_at: Timestamp,
    pub decline_until: Timestamp,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct OweRefund {
    pub refund_id: RefundId,
    /// All that is left, if absent.
    pub amount: Option<Money>,
    pub reason: RefundReason,
    pub by: RefundInitiator,
    /// Looked up: when the room is planned to start. A buyer's own request is judged by it and the sale's policy.
    pub room_starts_at: Timestamp,
    /// Looked up: the room has opened, whatever was planned.
    pub room_has_opened: bool,
    pub request: Option<Fingerprint>,
    pub at: Timestamp,
}
