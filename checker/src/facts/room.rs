//! What the events of a room say.

use serde::Deserialize;
use uuid::Uuid;

use super::{Fact, Unreadable, parse};
use crate::snapshot::Entry;

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

/// Of `person_removed`, `person_banned` and `person_unbanned`: who may have a seat, and who not.
#[derive(Debug, Deserialize)]
pub(crate) struct Barred {
    pub(crate) user: Uuid,
    /// From all rooms of the host.
    #[serde(default)]
    pub(crate) everywhere: bool,
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

/// Of `delivery_recorded`.
#[derive(Debug, Deserialize)]
pub(crate) struct Delivered {
    #[serde(default)]
    pub(crate) verdict: Option<Verdict>,
}

/// What a room came to: `crashed` says how much was missing of what was promised.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Verdict {
    Delivered,
    Crashed { missing_ms: u64, promised_ms: u64 },
    Void,
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

pub(super) fn read(entry: &Entry<'_>) -> Result<Fact, Unreadable> {
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
        | "co_host_appointed"
        | "co_host_dismissed"
        | "speaker_invited"
        | "invitation_accepted"
        | "invitation_declined"
        | "speaker_muted"
        | "speaker_unmuted"
        | "host_handed_over"
        | "lobby_opened"
        | "entry_taken_over"
        | "presence_recorded"
        | "sales_paused"
        | "sales_resumed"
        | "waiting_list_joined"
        | "waiting_list_left"
        | "seat_awaited"
        | "room_rescheduled"
        | "shares_proposed"
        | "share_agreed"
        | "recording_consented"
        | "recording_started"
        | "recording_stopped"
        | "recording_part_began"
        | "recording_part_ended"
        | "recording_deleted" => Fact::Other,
        "delivery_recorded" => Fact::Delivered(parse(entry)?),
        "room_voided" => Fact::Voided,
        "person_removed" => Fact::Removed(parse(entry)?),
        "person_banned" => Fact::Banned(parse(entry)?),
        "person_unbanned" => Fact::Unbanned(parse(entry)?),
        "sales_suspended" => Fact::SalesSuspended(true),
        "sales_reinstated" => Fact::SalesSuspended(false),
        "seat_transferred" => Fact::Transferred(parse(entry)?),
        "room_revised" => Fact::Revised(parse(entry)?),
        _ => return Err(Unreadable::Unknown),
    })
}
