//! What the events of an account say.

use serde::Deserialize;
use uuid::Uuid;

use super::{Fact, Money, Settled, Timestamp, Unreadable, parse};
use crate::snapshot::Entry;

/// How a sale that was delivered is divided.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Split {
    #[serde(flatten)]
    pub(crate) settled: Settled,
    pub(crate) platform_fee: Money,
    pub(crate) host_share: Money,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Credited {
    pub(crate) ticket_id: Uuid,
    pub(crate) room_id: Uuid,
    #[serde(flatten)]
    pub(crate) split: Split,
    #[serde(default)]
    pub(crate) co_hosts: Vec<Part>,
    #[serde(flatten)]
    pub(crate) places: Places,
}

/// Where the parts of an earning go; what is in none of them is available.
#[derive(Debug, Deserialize)]
pub(crate) struct Places {
    #[serde(default)]
    pub(crate) netted: Option<Money>,
    #[serde(default)]
    pub(crate) reserved: Option<Later>,
    #[serde(default)]
    pub(crate) pending: Option<Later>,
}

/// Somebody's part of an earning, or of what is given back of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) user: Uuid,
    pub(crate) amount: Money,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ShareCredited {
    pub(crate) ticket_id: Uuid,
    pub(crate) share: Money,
    #[serde(flatten)]
    pub(crate) places: Places,
}

/// Money that is not available before then.
#[derive(Debug, Deserialize)]
pub(crate) struct Later {
    pub(crate) amount: Money,
    pub(crate) until: Timestamp,
}

/// Of `earnings_matured` and `reserve_released`.
#[derive(Debug, Deserialize)]
pub(crate) struct Freed {
    pub(crate) amount: Money,
    #[serde(alias = "matured_at", alias = "released_at")]
    pub(crate) at: Timestamp,
}

/// Of `receivable_netted`.
#[derive(Debug, Deserialize)]
pub(crate) struct Netted {
    pub(crate) amount: Money,
}

/// Of `earning_held` and `earning_released`.
#[derive(Debug, Deserialize)]
pub(crate) struct HeldEarning {
    pub(crate) dispute: String,
    pub(crate) amount: Money,
    #[serde(default)]
    pub(crate) pending: Option<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reversed {
    pub(crate) dispute: String,
    pub(crate) from_reserve: Money,
    #[serde(default)]
    pub(crate) from_pending: Option<Money>,
    pub(crate) from_available: Money,
    #[serde(default)]
    pub(crate) from_rolling_reserve: Option<Money>,
    pub(crate) receivable: Money,
    #[serde(default)]
    pub(crate) co_hosts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Requested {
    pub(crate) payout_id: Uuid,
    pub(crate) amount: Money,
    pub(crate) provider: String,
}

/// Of `payout_paid`, `payout_failed` and `payout_returned`.
#[derive(Debug, Deserialize)]
pub(crate) struct Ended {
    pub(crate) payout_id: Uuid,
    pub(crate) amount: Money,
}

/// What happened to the account of a host, or of somebody who shares with one.
#[derive(Debug)]
pub(crate) enum AccountFact {
    Credited(Credited),
    ShareCredited(ShareCredited),
    Reserved(HeldEarning),
    Unreserved(HeldEarning),
    Reversed(Reversed),
    Requested(Requested),
    Paid(Ended),
    Failed(Ended),
    Returned(Ended),
    Matured(Freed),
    ReserveReleased(Freed),
    Netted(Netted),
    /// Whether the host is not paid.
    Suspended(bool),
}

pub(super) fn read(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
    let fact = match entry.event_type {
        "earning_credited" => AccountFact::Credited(parse(entry)?),
        "share_credited" => AccountFact::ShareCredited(parse(entry)?),
        "earning_held" => AccountFact::Reserved(parse(entry)?),
        "earning_released" => AccountFact::Unreserved(parse(entry)?),
        "earning_reversed" => AccountFact::Reversed(parse(entry)?),
        "payout_requested" => AccountFact::Requested(parse(entry)?),
        "payout_paid" => AccountFact::Paid(parse(entry)?),
        "payout_failed" => AccountFact::Failed(parse(entry)?),
        "payout_returned" => AccountFact::Returned(parse(entry)?),
        "earnings_matured" => AccountFact::Matured(parse(entry)?),
        "reserve_released" => AccountFact::ReserveReleased(parse(entry)?),
        "receivable_netted" => AccountFact::Netted(parse(entry)?),
        "host_suspended" => AccountFact::Suspended(true),
        "host_reinstated" => AccountFact::Suspended(false),
        "payout_schedule_chosen"
        | "payout_rolled_over"
        | "host_applied"
        | "host_approved"
        | "host_waitlisted"
        | "host_declined"
        | "facts_stated"
        | "guest_banned"
        | "guest_unbanned"
        | "terms_accepted"
        | "destination_linked"
        | "payout_sent" => return Ok(Fact::Other),
        _ => return Err(Unreadable::Unknown),
    };
    Ok(Fact::Account(fact))
}
