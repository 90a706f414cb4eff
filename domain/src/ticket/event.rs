//! What can have happened to a ticket: one sale and its money.

use cqrs_es::DomainEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::room::VoidReason;
use crate::terms::Terms;
use crate::{Fingerprint, Money, PaymentId, RefundId, RoomId, TaxPart, TicketId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TicketEvent {
    /// The first payment attempt (or the claim of a free seat) began the sale. Terms are those of the hold.
    TicketOrdered {
        ticket_id: TicketId,
        room_id: RoomId,
        host: UserId,
        buyer: UserId,
        terms: Terms,
        ordered_at: Timestamp,
    },
    PaymentStarted {
        payment_id: PaymentId,
        attempt: u32,
        #[schemars(with = "crate::words::ShopWord")]
        provider: String,
        amount: Money,
        request: Fingerprint,
        started_at: Timestamp,
    },
    /// The provider knows the payment under this reference.
    PaymentAccepted {
        payment_id: PaymentId,
        #[schemars(with = "crate::words::ProviderRef")]
        provider_ref: String,
        accepted_at: Timestamp,
    },
    PaymentCaptured {
        payment_id: PaymentId,
        amount: Money,
        /// What the provider keeps of it.
        provider_fee: Money,
        /// What the store keeps of it, if a store collected it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        store_fee: Option<Money>,
        captured_at: Timestamp,
    },
    PaymentDeclined {
        payment_id: PaymentId,
        #[schemars(with = "crate::words::ProviderReason")]
        reason: String,
        declined_at: Timestamp,
    },
    /// We called the payment off before anybody paid it. A capture that was on its way all the same is still recorded.
    PaymentCancelled {
        payment_id: PaymentId,
        cancelled_at: Timestamp,
    },
    TicketIssued {
        issued_at: Timestamp,
    },
    TicketLapsed {
        lapsed_at: Timestamp,
    },
    /// Its holder stands at the doors, which let in so many a second at the time: that is the ticket's place in line, which
    /// stays for as long as the room is open.
    TicketPresented {
        doors_per_second: u32,
        presented_at: Timestamp,
    },
    TicketAdmitted {
        admitted_at: Timestamp,
    },
    /// Money is owed back to the buyer. It leaves with the provider's confirmation, `RefundCompleted`.
    RefundOwed(RefundOwed),
    RefundSent {
        refund_id: RefundId,
        #[schemars(with = "crate::words::ProviderRef")]
        provider_ref: String,
        sent_at: Timestamp,
    },
    RefundCompleted {
        refund_id: RefundId,
        amount: Money,
        /// What the store gives back of its fee.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        store_fee: Option<Money>,
        completed_at: Timestamp,
    },
    RefundFailed {
        refund_id: RefundId,
        #[schemars(with = "crate::words::ProviderReason")]
        reason: String,
        failed_at: Timestamp,
    },
    /// The room was delivered: this sale is earned. Gross is what was captured and not refunded.
    TicketSettled(TicketSettled),
    /// Somebody else may walk in with it from here on.
    TicketTransferred {
        from: UserId,
        to: UserId,
        transferred_at: Timestamp,
    },
    /// A ticket that cost nothing was given back: it admits nobody from here on.
    TicketReturned {
        by: UserId,
        returned_at: Timestamp,
    },
    /// The buyer's bank took the money back for the time being: the provider holds it until it is decided.
    DisputeOpened(DisputeOpened),
    /// Decided for us: the money is back.
    DisputeWon {
        #[schemars(with = "crate::words::ProviderRef")]
        dispute: String,
        payment_id: PaymentId,
        amount: Money,
        won_at: Timestamp,
    },
    /// Decided for the buyer: the money is gone, and the ticket admits nobody.
    DisputeLost(DisputeLost),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DisputeOpened {
    /// The provider's name of the dispute.
    #[schemars(with = "crate::words::ProviderRef")]
    pub dispute: String,
    pub payment_id: PaymentId,
    pub amount: Money,
    #[schemars(with = "crate::words::ProviderReason")]
    pub reason: String,
    pub opened_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DisputeLost {
    #[schemars(with = "crate::words::ProviderRef")]
    pub dispute: String,
    pub payment_id: PaymentId,
    pub amount: Money,
    /// What the provider takes on top.
    pub fee: Money,
    /// The part that the sale's own money covers: it was not earned yet. The rest is a loss, until the host's account gives
    /// back what it had of it.
    pub covered: Money,
    /// That money had become a ticket.
    pub was_issued: bool,
    /// Tax that is not due any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxPart>,
    /// What the store gives back of its fee, if it was the store that took the money back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_fee: Option<Money>,
    pub lost_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RefundOwed {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub amount: Money,
    pub reason: RefundReason,
    pub initiated_by: RefundInitiator,
    /// The ticket admits nobody from here on: everything captured goes back.
    pub in_full: bool,
    /// The money had become a ticket (was unearned income of the room) when it was taken back.
    pub was_issued: bool,
    /// The tax in it, if the ticket was issued: it is not due any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Fingerprint>,
    pub owed_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    Requested,
    RoomCancelled,
    /// Paid too late, and the seat was gone.
    SeatGone,
    ChargedTwice,
    /// The room ended without the host's side being heard.
    NotDelivered,
    /// The room was given another time, and the holder said no.
    RescheduleDeclined,
    /// The app store gave the money back.
    StoreRefunded,
    /// The room was voided: nobody of the host's side came.
    NoShow,
    /// Not all of the room could be heard, by the fault of the shop or its media server: what was missing goes back, or
    /// everything.
    Crashed,
    /// The room was voided by an admin.
    Moderated,
}

impl From<VoidReason> for RefundReason {
    fn from(reason: VoidReason) -> Self {
        match reason {
            VoidReason::NoShow => Self::NoShow,
            VoidReason::Crash => Self::Crashed,
            VoidReason::Moderation => Self::Moderated,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundInitiator {
    Buyer,
    Host,
    Admin,
    System,
    /// The app store that collected the money.
    Store,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TicketSettled {
    pub gross: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_fee: Option<Money>,
    pub provider_fee: Money,
    /// Of older sales only: how the rest is divided is decided by the host's account, which knows the host's lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_fee: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_share: Option<Money>,
    pub settled_at: Timestamp,
}

impl DomainEvent for TicketEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl TicketEvent {
    /// The name this event is stored under. Written out, so that renaming a variant does not rename history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TicketOrdered { .. } => "ticket_ordered",
            Self::PaymentStarted { .. } => "payment_started",
            Self::PaymentAccepted { .. } => "payment_accepted",
            Self::PaymentCaptured { .. } => "payment_captured",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::PaymentCancelled { .. } => "payment_cancelled",
            Self::TicketIssued { .. } => "ticket_issued",
            Self::TicketLapsed { .. } => "ticket_lapsed",
            Self::TicketPresented { .. } => "ticket_presented",
            Self::TicketAdmitted { .. } => "ticket_admitted",
            Self::RefundOwed(_) => "refund_owed",
            Self::RefundSent { .. } => "refund_sent",
            Self::RefundCompleted { .. } => "refund_completed",
            Self::RefundFailed { .. } => "refund_failed",
            Self::TicketSettled(_) => "ticket_settled",
            Self::TicketTransferred { .. } => "ticket_transferred",
            Self::TicketReturned { .. } => "ticket_returned",
            Self::DisputeOpened(_) => "dispute_opened",
            Self::DisputeWon { .. } => "dispute_won",
            Self::DisputeLost(_) => "dispute_lost",
        }
    }
}
