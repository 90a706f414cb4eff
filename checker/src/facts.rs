//! What events say, as far as it matters here.

use serde::Deserialize;
use uuid::Uuid;

use crate::snapshot::Entry;

pub(crate) type Timestamp = chrono::DateTime<chrono::Utc>;

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Money {
    #[serde(rename = "amount_minor")]
    pub(crate) minor: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Scheduled {
    pub(crate) room_id: Uuid,
    pub(crate) capacity: u32,
    #[serde(default)]
    pub(crate) sale: Offered,
}

/// Tiers and promo codes that are new, or otherwise from here on.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Offered {
    #[serde(default)]
    pub(crate) tiers: Vec<Tier>,
    #[serde(default)]
    pub(crate) promo_codes: Vec<Promo>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tier {
    pub(crate) tier: String,
    pub(crate) quota: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Promo {
    pub(crate) code: String,
    pub(crate) quota: u32,
    pub(crate) per_buyer: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transferred {
    pub(crate) ticket_id: Uuid,
    pub(crate) from: Uuid,
    pub(crate) to: Uuid,
}

/// Of `room_revised`: what the seats must know.
#[derive(Debug, Deserialize)]
pub(crate) struct Revised {
    pub(crate) capacity: Option<u32>,
    #[serde(flatten)]
    pub(crate) offered: Offered,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    #[serde(flatten)]
    pub(crate) seat: SeatOf,
    #[serde(default)]
    pub(crate) terms: HeldTerms,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct HeldTerms {
    #[serde(default)]
    pub(crate) pricing: Option<Claim>,
}

/// What a seat takes of a tier and of a code.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Claim {
    #[serde(default)]
    pub(crate) tier: Option<String>,
    #[serde(default)]
    pub(crate) promo_code: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Sold {
    #[serde(flatten)]
    pub(crate) seat: SeatOf,
    #[serde(default)]
    pub(crate) late: bool,
    #[serde(default)]
    pub(crate) still_held: bool,
    #[serde(default)]
    pub(crate) retakes: Option<Claim>,
}

/// Of every event about a seat.
#[derive(Debug, Deserialize)]
pub(crate) struct SeatOf {
    pub(crate) ticket_id: Uuid,
    pub(crate) buyer: Uuid,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Released {
    #[serde(flatten)]
    pub(crate) seat: SeatOf,
    pub(crate) reason: ReleaseReason,
    #[serde(default)]
    pub(crate) still_held: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReleaseReason {
    Lapsed,
    GivenBack,
    Refunded,
    RoomCancelled,
    Removed,
}

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

/// Tax of a sale, or of a part of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Tax {
    pub(crate) country: String,
    pub(crate) amount: Money,
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

/// Whose a sale is how much.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Share {
    pub(crate) user: Uuid,
    pub(crate) basis_points: u16,
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

#[derive(Debug)]
pub(crate) enum Fact {
    Scheduled(Scheduled),
    Revised(Revised),
    Transferred(Transferred),
    Held(Held),
    Sold(Sold),
    Released(Released),
    Denied(SeatOf),
    Ordered(Ordered),
    Started(Started),
    Captured(Captured),
    Issued,
    Owed(Owed),
    Completed(Completed),
    Settled(Settled),
    Disputed(Disputed),
    Won(Disputed),
    Lost(Lost),
    Account(AccountFact),
    /// Whether nothing of the room is sold.
    SalesSuspended(bool),
    /// Moves neither seats nor money.
    Other,
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

/// Where a fact belongs: the id of its room, ticket or host.
pub(crate) type Subject = Uuid;

/// Why an event cannot be judged.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Unknown,
    Id,
    Payload(serde_json::Error),
}

pub(crate) fn read(entry: &Entry<'_>) -> Result<(Subject, Fact), Unreadable> {
    let subject = entry.aggregate_id.parse().map_err(|_| Unreadable::Id)?;
    if entry.event_version != "1" {
        return Err(Unreadable::Unknown);
    }
    let fact = match entry.aggregate_type {
        "room" => room(entry)?,
        "ticket" => ticket(entry)?,
        "payout" => payout(entry)?,
        "shop" => shop(entry)?,
        _ => return Err(Unreadable::Unknown),
    };
    Ok((subject, fact))
}

fn room(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
    Ok(match entry.event_type {
        "room_scheduled" => Fact::Scheduled(parse(entry)?),
        "seat_held" => Fact::Held(parse(entry)?),
        "seat_sold" => Fact::Sold(parse(entry)?),
        "seat_released" => Fact::Released(parse(entry)?),
        "seat_denied" => Fact::Denied(parse(entry)?),
        "room_opened"
        | "room_ended"
        | "room_cancelled"
        | "speak_requested"
        | "speak_request_withdrawn"
        | "speak_request_declined"
        | "speaker_approved"
        | "speaker_dismissed"
        | "person_removed"
        | "presence_recorded"
        | "delivery_recorded"
        | "sales_paused"
        | "sales_resumed"
        | "waiting_list_joined"
        | "waiting_list_left"
        | "seat_awaited"
        | "room_rescheduled"
        | "shares_proposed"
        | "share_agreed" => Fact::Other,
        "sales_suspended" => Fact::SalesSuspended(true),
        "sales_reinstated" => Fact::SalesSuspended(false),
        "seat_transferred" => Fact::Transferred(parse(entry)?),
        "room_revised" => Fact::Revised(parse(entry)?),
        _ => return Err(Unreadable::Unknown),
    })
}

fn ticket(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
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
        "payment_accepted" | "payment_declined" | "payment_cancelled" | "ticket_lapsed" | "ticket_admitted"
        | "ticket_transferred" | "ticket_returned" | "refund_sent" | "refund_failed" => Fact::Other,
        _ => return Err(Unreadable::Unknown),
    })
}

fn payout(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
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
        | "terms_accepted"
        | "destination_linked"
        | "payout_sent" => return Ok(Fact::Other),
        _ => return Err(Unreadable::Unknown),
    };
    Ok(Fact::Account(fact))
}

fn shop(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
    match entry.event_type {
        "person_erased" | "day_sealed" | "rollout_changed" | "cohorts_assigned" => Ok(Fact::Other),
        _ => Err(Unreadable::Unknown),
    }
}

fn parse<'a, T: Deserialize<'a>>(entry: &Entry<'a>) -> Result<T, Unreadable> {
    serde_json::from_slice(entry.payload).map_err(Unreadable::Payload)
}
