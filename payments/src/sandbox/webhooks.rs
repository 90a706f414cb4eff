//! The body of a webhook, which is also how the event is stored: `{"id","type","created_at","data":{…}}`.
//!
//! Reading is tolerant: unknown fields are passed over, an unknown type is [`ProviderEventKind::Other`].

use domain::{Currency, Money, PaymentId, PayoutId, RefundId, TicketId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Dispute, ProviderEvent, ProviderEventKind, WebhookError};

/// The types that [`Kind`] reads; any other is [`ProviderEventKind::Other`].
const KNOWN_TYPES: [&str; 9] = [
    "payment.captured",
    "payment.requires_action",
    "payment.declined",
    "refund.completed",
    "refund.failed",
    "transfer.paid",
    "transfer.failed",
    "transfer.returned",
    "dispute",
];

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    name: String,
    created_at: Timestamp,
    #[serde(default)]
    data: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProviderEventKind", tag = "type", content = "data")]
enum Kind {
    #[serde(rename = "payment.captured")]
    PaymentCaptured {
        payment_id: PaymentId,
        ticket_id: TicketId,
        provider_ref: String,
        #[serde(with = "Amount")]
        amount: Money,
        #[serde(with = "optional_amount", default)]
        fee: Option<Money>,
    },
    #[serde(rename = "payment.requires_action")]
    PaymentRequiresAction { payment_id: PaymentId, ticket_id: TicketId },
    #[serde(rename = "payment.declined")]
    PaymentDeclined {
        payment_id: PaymentId,
        ticket_id: TicketId,
        reason: String,
    },
    #[serde(rename = "refund.completed")]
    RefundCompleted {
        refund_id: RefundId,
        payment_id: PaymentId,
        ticket_id: TicketId,
    },
    #[serde(rename = "refund.failed")]
    RefundFailed {
        refund_id: RefundId,
        payment_id: PaymentId,
        ticket_id: TicketId,
        reason: String,
    },
    #[serde(rename = "transfer.paid")]
    TransferPaid { payout_id: PayoutId },
    #[serde(rename = "transfer.failed")]
    TransferFailed { payout_id: PayoutId, reason: String },
    #[serde(rename = "transfer.returned")]
    TransferReturned {
        payout_id: PayoutId,
        #[serde(with = "Amount")]
        amount: Money,
        #[serde(default)]
        reason: String,
    },
    #[serde(rename = "dispute")]
    Dispute(Dispute),
    #[serde(skip)]
    Other { name: String },
    #[serde(skip)]
    Unreadable { name: String, reason: String },
}

/// `domain`'s own form of money refuses unknown fields; a provider may add some.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Money")]
struct Amount {
    #[serde(getter = "amount_minor")]
    amount_minor: i64,
    #[serde(getter = "currency")]
    currency: Currency,
}

fn amount_minor(money: &Money) -> i64 {
    money.amount_minor()
}

fn currency(money: &Money) -> Currency {
    money.currency()
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self::new(amount.amount_minor, amount.currency)
    }
}

/// An amount that an event may leave out.
mod optional_amount {
    use domain::Money;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Amount;

    #[derive(Serialize, Deserialize)]
    struct Given(#[serde(with = "Amount")] Money);

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(amount: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
        amount.map(Given).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
        let given = Option::<Given>::deserialize(deserializer)?;
        Ok(given.map(|Given(amount)| amount))
    }
}

pub(super) fn encode(event: &ProviderEvent) -> String {
    let mut body = match &event.kind {
        ProviderEventKind::Other { name } | ProviderEventKind::Unreadable { name, .. } => {
            json!({ "type": name, "data": {} })
        }
        known => Kind::serialize(known, serde_json::value::Serializer)
            .expect("strings, ids and integers under written names are always JSON"),
    };
    body["id"] = json!(event.id);
    body["created_at"] = json!(event.created_at);
    body.to_string()
}

pub(super) fn decode(body: &[u8]) -> Result<ProviderEvent, WebhookError> {
    let unreadable = |error: serde_json::Error| WebhookError::Unreadable(error.to_string());
    let envelope: Envelope = serde_json::from_slice(body).map_err(unreadable)?;
    let kind = if KNOWN_TYPES.contains(&envelope.name.as_str()) {
        Kind::deserialize(json!({ "type": envelope.name, "data": envelope.data })).map_err(unreadable)?
    } else {
        ProviderEventKind::Other { name: envelope.name }
    };
    Ok(ProviderEvent {
        id: envelope.id,
        created_at: envelope.created_at,
        kind,
    })
}
