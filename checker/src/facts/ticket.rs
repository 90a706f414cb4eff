//! What the events of a ticket say.

use serde::Deserialize;
use uuid::Uuid;

use super::{Fact, Money, Tax, Unreadable, parse};
use crate::snapshot::Entry;

#[derive(Debug, Deserialize)]
pub(crate) struct Ordered {
    pub(crate) ticket_id: Uuid,
    pub(crate) room_id: Uuid,
    pub(crate) buyer: Uuid,
    pub(crate) terms: Terms,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Terms {
    pub(crate) total: Money,
    #[serde(default)]
    pub(crate) tax: Option<Money>,
    #[serde(default)]
    pub(crate) rules: Rules,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rules {
    #[serde(default)]
    pub(crate) tax: Option<TaxRule>,
    #[serde(default)]
    pub(crate) shares: Vec<Share>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TaxRule {
    pub(crate) country: String,
}

/// Whose a sale is how much.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Share {
    pub(crate) user: Uuid,
    pub(crate) basis_points: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Started {
    pub(crate) payment_id: Uuid,
    pub(crate) provider: String,
    pub(crate) amount: Money,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Captured {
    pub(crate) payment_id: Uuid,
    pub(crate) amount: Money,
    pub(crate) provider_fee: Money,
    #[serde(default)]
    pub(crate) store_fee: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Owed {
    pub(crate) refund_id: Uuid,
    pub(crate) payment_id: Uuid,
    pub(crate) amount: Money,
    pub(crate) in_full: bool,
    pub(crate) was_issued: bool,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) tax: Option<Tax>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Completed {
    pub(crate) refund_id: Uuid,
    pub(crate) amount: Money,
    #[serde(default)]
    pub(crate) store_fee: Option<Money>,
}

/// What a sale that was delivered brought, and what others than platform and host have of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Settled {
    pub(crate) gross: Money,
    #[serde(default)]
    pub(crate) tax: Option<Tax>,
    #[serde(default)]
    pub(crate) store_fee: Option<Money>,
    pub(crate) provider_fee: Money,
}

/// Of `dispute_opened` and `dispute_won`.
#[derive(Debug, Deserialize)]
pub(crate) struct Disputed {
    pub(crate) dispute: String,
    pub(crate) payment_id: Uuid,
    pub(crate) amount: Money,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Lost {
    #[serde(flatten)]
    pub(crate) disputed: Disputed,
    pub(crate) fee: Money,
    pub(crate) covered: Money,
    pub(crate) was_issued: bool,
    #[serde(default)]
    pub(crate) tax: Option<Tax>,
    #[serde(default)]
    pub(crate) store_fee: Option<Money>,
}

pub(super) fn read(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
    Ok(match entry.event_type {
        "ticket_ordered" => Fact::Ordered(parse(entry)?),
        "payment_started" => Fact::Started(parse(entry)?),
        "payment_captured" => Fact::Captured(parse(entry)?),
        "ticket_issued" => Fact::Issued,
        "refund_owed" => Fact::Owed(parse(entry)?),
        "refund_completed" => Fact::Completed(parse(entry)?),
        "ticket_settled" => Fact::Settled(parse(entry)?),
        "dispute_opened" => Fact::Disputed(parse(entry)?),
        "dispute_won" => Fact::Won(parse(entry)?),
        "dispute_lost" => Fact::Lost(parse(entry)?),
        "payment_accepted" | "payment_declined" | "payment_cancelled" | "ticket_lapsed" | "ticket_presented"
        | "ticket_admitted" | "ticket_transferred" | "ticket_returned" | "refund_sent" | "refund_failed" => Fact::Other,
        _ => return Err(Unreadable::Unknown),
    })
}
