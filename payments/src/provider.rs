//! The port: what boxoffice asks of a payment provider.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Money, PaymentId, PayoutId, RefundId, TicketId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A request to collect money. `payment_id` is the idempotency key: a repeat returns the same intent.
#[derive(Clone, Debug)]
pub struct CreateIntent {
    pub payment_id: PaymentId,
    pub ticket_id: TicketId,
    pub amount: Money,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    pub provider_ref: String,
    /// Lets the buyer's client, and nobody else, confirm the payment. Never recorded in the log.
    pub client_secret: String,
    pub state: IntentState,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IntentState {
    Pending,
    /// The buyer's bank asks the buyer (3-D Secure): pending, with something for the buyer to do.
    RequiresAction,
    Captured {
        fee: Money,
    },
    Declined {
        reason: String,
    },
    Cancelled,
}

/// A request to call a payment off. The provider's reference is absent if its answer was never recorded: then the same
/// facts under the same `payment_id` find the intent.
#[derive(Clone, Debug)]
pub struct CancelIntent {
    pub payment_id: PaymentId,
    pub ticket_id: TicketId,
    pub amount: Money,
    pub provider_ref: Option<String>,
}

/// A payment as the provider knows it now, found by the provider's own reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPayment {
    /// Whose it is, if it is one of ours.
    pub names: Option<PaymentNames>,
    pub intent: Intent,
}

/// A payment's names here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PaymentNames {
    pub payment_id: PaymentId,
    pub ticket_id: TicketId,
}

/// A request to give money back. `refund_id` is the idempotency key.
#[derive(Clone, Debug)]
pub struct CreateRefund {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub ticket_id: TicketId,
    /// The provider's reference of the captured payment.
    pub payment_ref: String,
    pub amount: Money,
}

/// A request to pay a host. `payout_id` is the idempotency key.
#[derive(Clone, Debug)]
pub struct CreateTransfer {
    pub payout_id: PayoutId,
    pub destination: String,
    pub amount: Money,
}

/// A request for an account of a host's at the provider, where payouts go.
#[derive(Clone, Debug)]
pub struct OpenAccount {
    pub host: UserId,
    /// The account that the host has already, if one is known.
    pub existing: Option<String>,
    /// Where the provider sends the host's browser afterwards.
    pub return_url: String,
}

/// A host's account at the provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayoutAccount {
    /// What [`CreateTransfer`] names.
    pub destination: String,
    /// Where the host tells the provider what it still wants to know. Good for minutes, once.
    pub onboarding_url: Option<String>,
    /// Whether payouts to it are taken, and go on to the host's bank.
    pub is_ready: bool,
}

/// What the provider made of a refund or transfer. `Pending` is settled later by an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    pub provider_ref: String,
    pub state: MovementState,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MovementState {
    Pending,
    Completed,
    Failed { reason: String },
}

/// Something that happened at the provider: by webhook, or found by polling. The same event has the same id by both ways.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderEvent {
    pub id: String,
    pub created_at: Timestamp,
    pub kind: ProviderEventKind,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProviderEventKind {
    PaymentCaptured {
        payment_id: PaymentId,
        ticket_id: TicketId,
        provider_ref: String,
        amount: Money,
        /// Absent if the event does not tell: [`PaymentProvider::find_payment`] does.
        fee: Option<Money>,
    },
    /// The buyer's bank asks the buyer; nothing is decided.
    PaymentRequiresAction {
        payment_id: PaymentId,
        ticket_id: TicketId,
    },
    PaymentDeclined {
        payment_id: PaymentId,
        ticket_id: TicketId,
        reason: String,
    },
    RefundCompleted {
        refund_id: RefundId,
        payment_id: PaymentId,
        ticket_id: TicketId,
    },
    RefundFailed {
        refund_id: RefundId,
        payment_id: PaymentId,
        ticket_id: TicketId,
        reason: String,
    },
    /// `destination` is the one given in [`CreateTransfer`]; the host is found by the payout id.
    TransferPaid {
        payout_id: PayoutId,
    },
    TransferFailed {
        payout_id: PayoutId,
        reason: String,
    },
    /// Money that a host had got came back: so much of it in all, by now.
    TransferReturned {
        payout_id: PayoutId,
        amount: Money,
        reason: String,
    },
    Dispute(Dispute),
    /// Nothing boxoffice acts on.
    Other {
        name: String,
    },
    /// Something it would act on, if it were understood.
    Unreadable {
        name: String,
        reason: String,
    },
}

/// What the provider says of a buyer's dispute with the bank.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    pub dispute_ref: String,
    /// The provider's reference of the disputed payment; [`PaymentProvider::find_payment`] tells whose it is.
    pub payment_ref: String,
    pub stage: DisputeStage,
    pub amount: Money,
    /// What the provider takes for it, as far as the event tells.
    pub fee: Option<Money>,
    pub reason: String,
    /// Until when evidence is taken.
    pub respond_by: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// The bank asks; no money has moved.
    Inquiry,
    /// The provider has taken the amount back.
    Opened,
    /// The amount is ours again.
    Won,
    Lost,
    /// An inquiry ended, and no money moved.
    InquiryClosed,
}

impl DisputeStage {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Opened => "opened",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::InquiryClosed => "inquiry_closed",
        }
    }
}

/// A page of the provider's own event list, oldest first. `next` continues after it.
#[derive(Clone, Debug)]
pub struct EventPage {
    pub events: Vec<ProviderEvent>,
    pub next: Option<String>,
}

/// A line of the provider's own statement: money that came to our balance there, or left it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementLine {
    /// The same line has the same id whenever it is listed.
    pub id: String,
    pub kind: StatementKind,
    /// Our id of what it is about, or the provider's of a dispute; absent if it names nothing of ours.
    pub subject: Option<String>,
    /// What it did to the balance, fees off.
    pub net: Money,
    pub created_at: Timestamp,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatementKind {
    Charge,
    Refund,
    /// A refund that had left came back.
    RefundFailed,
    Transfer,
    /// A transfer that had left came back.
    TransferReturned,
    Dispute,
    /// What a dispute had taken is back.
    DisputeWon,
    DisputeFee,
    /// Other business of the account.
    Other,
}

impl StatementKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailed => "refund_failed",
            Self::Transfer => "transfer",
            Self::TransferReturned => "transfer_returned",
            Self::Dispute => "dispute",
            Self::DisputeWon => "dispute_won",
            Self::DisputeFee => "dispute_fee",
            Self::Other => "other",
        }
    }
}

/// A page of the provider's statement, oldest first. `next` continues after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementPage {
    pub lines: Vec<StatementLine>,
    pub next: Option<String>,
}

#[derive(Debug, Error)]
pub enum ProviderError {
    /// The provider said no, and will say no again.
    #[error("the provider refuses: {code}")]
    Refused { code: String },
    /// Away, slow, or overloaded: the outcome is unknown. Repeat with the same key.
    #[error("the provider is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WebhookError {
    #[error("the signature is missing or wrong")]
    BadSignature,
    #[error("the signature is older than {tolerance_seconds} s")]
    TooOld { tolerance_seconds: u64 },
    /// Authentic, but not understood. It stays stored and can be read again by a later version.
    #[error("not understood: {0}")]
    Unreadable(String),
}

/// A payment provider. Every call has a timeout of its own and may be repeated with the same ids.
#[async_trait]
pub trait PaymentProvider: Send + Sync + fmt::Debug + 'static {
    /// The name in `/v1/webhooks/{provider}`, in events and in ledger accounts.
    fn name(&self) -> &'static str;

    async fn create_intent(&self, request: CreateIntent) -> Result<Intent, ProviderError>;

    /// After this no capture follows, unless one is already on its way.
    async fn cancel_intent(&self, request: CancelIntent) -> Result<Intent, ProviderError>;

    /// A payment by the provider's reference, as it is now. While a capture's fee is not known yet, it is pending.
    async fn find_payment(&self, provider_ref: &str) -> Result<FoundPayment, ProviderError>;

    async fn refund(&self, request: CreateRefund) -> Result<Movement, ProviderError>;

    /// Whether every try to make this refund has failed. Asked when an event says so of a refund that is recorded as
    /// completed: where a refund may have several tries, the event may be of an earlier one.
    async fn has_refund_failed(&self, payment_ref: &str, refund_id: RefundId) -> Result<bool, ProviderError>;

    async fn create_transfer(&self, request: CreateTransfer) -> Result<Movement, ProviderError>;

    /// Opens an account for a host, or finds the one there is.
    async fn open_account(&self, request: OpenAccount) -> Result<PayoutAccount, ProviderError>;

    /// The provider's events after a cursor, oldest first, at most `limit`. The second source beside webhooks.
    async fn list_events(&self, after: Option<&str>, limit: u32) -> Result<EventPage, ProviderError>;

    /// The lines of the provider's statement after a cursor, oldest first, at most `limit`: what its balance of ours is made
    /// of. What is listed may be listed again, and is the same then.
    async fn list_statement(&self, after: Option<&str>, limit: u32) -> Result<StatementPage, ProviderError>;

    /// An event of this age has all earlier events before it in the list: none is put in between any more.
    fn lists_in_order_after(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Whether a webhook is the provider's: checked on the raw bytes, before they are stored.
    fn verify_webhook(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), WebhookError>;

    /// Reads a stored webhook body.
    fn parse_webhook(&self, body: &[u8]) -> Result<ProviderEvent, WebhookError>;

    /// The HTTP header that carries the signature.
    fn signature_header(&self) -> &'static str;
}
