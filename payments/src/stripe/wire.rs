//! Stripe's objects, as far as we read them. What is not named here is passed over, and may change.

use std::collections::HashMap;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::PaymentNames;

pub(super) type Metadata = HashMap<String, String>;

#[derive(Clone, Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: String,
    pub(super) amount: i64,
    #[serde(default)]
    pub(super) amount_received: Option<i64>,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) client_secret: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
    #[serde(default)]
    pub(super) last_payment_error: Option<PaymentError>,
    #[serde(default)]
    pub(super) latest_charge: Option<Expandable<Charge>>,
}

#[derive(Clone, Deserialize)]
pub(super) struct PaymentError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

impl PaymentError {
    pub(super) fn reason(&self) -> String {
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        code.cloned().unwrap_or_else(|| "declined".to_owned())
    }
}

/// An object, if it was asked for; otherwise its id, which says nothing to us.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Expandable<T> {
    Object(Box<T>),
    Collapsed(IgnoredAny),
}

impl<T> Expandable<T> {
    pub(super) fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Collapsed(_) => None,
        }
    }
}

#[derive(Clone, Deserialize)]
pub(super) struct Charge {
    #[serde(default)]
    pub(super) balance_transaction: Option<Expandable<BalanceTransaction>>,
}

#[derive(Clone, Deserialize)]
pub(super) struct BalanceTransaction {
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) currency: String,
}

/// A line of the statement: a balance transaction with what it is about.
#[derive(Deserialize)]
pub(super) struct StatementEntry {
    pub(super) id: String,
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    pub(super) amount: i64,
    #[serde(default)]
    pub(super) fee: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    #[serde(default)]
    pub(super) source: Option<Expandable<Source>>,
}

/// What a balance transaction is about.
#[derive(Clone, Deserialize)]
pub(super) struct Source {
    pub(super) id: String,
    #[serde(default)]
    pub(super) object: String,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) failure_reason: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Transfer {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) amount_reversed: i64,
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    #[serde(default)]
    pub(super) payment_intent: Option<Reference>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) balance_transactions: Vec<BalanceTransaction>,
    #[serde(default)]
    pub(super) evidence_details: Option<EvidenceDetails>,
}

#[derive(Clone, Deserialize)]
pub(super) struct EvidenceDetails {
    #[serde(default)]
    pub(super) due_by: Option<i64>,
}

/// An object whose id is all we want.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Object { id: String },
}

impl Reference {
    pub(super) fn id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    #[serde(default)]
    pub(super) payouts_enabled: bool,
    #[serde(default)]
    pub(super) details_submitted: bool,
    #[serde(default)]
    pub(super) capabilities: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
pub(super) struct AccountLink {
    pub(super) url: String,
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) name: String,
    pub(super) created: i64,
    /// The connected account it happened in; absent if it happened in ours.
    #[serde(default)]
    pub(super) account: Option<String>,
    #[serde(default)]
    pub(super) data: EventData,
}

#[derive(Default, Deserialize)]
pub(super) struct EventData {
    #[serde(default)]
    pub(super) object: Value,
}

/// An id of ours that we put into an object's metadata.
pub(super) fn named<T: FromStr>(metadata: Option<&Metadata>, name: &str) -> Option<T> {
    metadata?.get(name)?.parse().ok()
}

/// Whose payment it is; `None` if it is none of ours.
pub(super) fn payment_names(metadata: Option<&Metadata>) -> Option<PaymentNames> {
    Some(PaymentNames {
        payment_id: named(metadata, "payment_id")?,
        ticket_id: named(metadata, "ticket_id")?,
    })
}
