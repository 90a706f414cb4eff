//! What events say, as far as it matters here.

mod account;
mod room;
mod ticket;

use serde::Deserialize;
use uuid::Uuid;

use crate::snapshot::Entry;

pub(crate) use account::*;
pub(crate) use room::*;
pub(crate) use ticket::*;

pub(crate) type Timestamp = chrono::DateTime<chrono::Utc>;

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Money {
    #[serde(rename = "amount_minor")]
    pub(crate) minor: i64,
    pub(crate) currency: String,
}

/// Tax of a sale, or of a part of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(crate) struct Tax {
    pub(crate) country: String,
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
    Delivered(Delivered),
    Voided,
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
    Removed(Barred),
    Banned(Barred),
    Unbanned(Barred),
    /// Moves neither seats nor money.
    Other,
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
        "room" => room::read(entry)?,
        "ticket" => ticket::read(entry)?,
        "payout" => account::read(entry)?,
        "shop" => shop(entry)?,
        _ => return Err(Unreadable::Unknown),
    };
    Ok((subject, fact))
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
