//! What the events of a room carry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::room::prices::{PriceTier, PromoCode};
use crate::room::recordings::RecordingTerms;
use crate::terms::{RefundPolicy, Terms};
use crate::{BasisPoints, FeeRules, Fingerprint, Money, RecordingId, RoomId, SessionId, TicketId, Timestamp, UserId};

/// Who held a ticket before may decline the new time, and has all the money back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoomRescheduled {
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub sales_close_at: Timestamp,
    pub decline_until: Timestamp,
    pub rescheduled_at: Timestamp,
}

/// How a seat is held otherwise than by a buyer who takes the first free one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HoldOptions {
    /// It was the turn of somebody in line: this hold is the offer.
    #[serde(default, skip_serializing_if = "is_false")]
    pub offered: bool,
    /// Should the payment come too late, its buyer would rather wait for another seat than have the money back at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait_if_late: bool,
}

impl HoldOptions {
    /// Nothing, for what is not special: most holds are.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// Terms of selling a room that have a default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SaleOptions {
    /// How long an offer to somebody in line stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_seconds: Option<u32>,
    /// Tickets may change hands until their holder is admitted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transferable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<PriceTier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promo_codes: Vec<PromoCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingTerms>,
}

/// How long an offer to somebody in line stands, if the host does not say.
const OFFER_SECONDS: u32 = 600;

impl SaleOptions {
    pub fn offer_seconds(&self) -> u32 {
        self.offer_seconds.unwrap_or(OFFER_SECONDS)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_false(fact: &bool) -> bool {
    !*fact
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// By their own wish.
    Left,
    /// They have as many tickets as one may have.
    TicketLimit,
    /// They were sent out of the live room, or banned.
    Removed,
    RoomCancelled,
    RoomOver,
    /// The room has a price now, and it is not known where they are: what they would pay cannot be told.
    CustomerUnknown,
}

/// What is new about a room. What is absent stays as it was.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::Published>")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::Published>")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_open_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_close_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets_per_buyer: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_policy: Option<RefundPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_show_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferable: Option<bool>,
    /// New ones, and known ones as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<PriceTier>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promo_codes: Vec<PromoCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingTerms>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoomRevised {
    #[serde(flatten)]
    pub revision: Revision,
    pub revised_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoomScheduled {
    pub room_id: RoomId,
    pub host: UserId,
    #[schemars(with = "crate::words::Published")]
    pub title: String,
    #[schemars(with = "crate::words::Published")]
    pub description: String,
    #[schemars(with = "crate::words::ShopWord")]
    pub language: String,
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub price: Money,
    pub capacity: u32,
    pub sales_open_at: Timestamp,
    pub sales_close_at: Timestamp,
    pub tickets_per_buyer: u32,
    pub hold_seconds: u32,
    pub refund_policy: RefundPolicy,
    pub no_show_minutes: u32,
    #[schemars(with = "crate::words::ShopWord")]
    pub preset: String,
    pub preset_version: u32,
    pub platform_fee: BasisPoints,
    #[serde(default, skip_serializing_if = "SaleOptions::is_default")]
    pub sale: SaleOptions,
    #[serde(default, skip_serializing_if = "FeeRules::is_default")]
    pub fees: FeeRules,
    pub request: Fingerprint,
    pub scheduled_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeatHeld {
    pub ticket_id: TicketId,
    pub buyer: UserId,
    pub terms: Terms,
    pub request: Fingerprint,
    pub held_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Box<HoldOptions>>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeatSold {
    pub ticket_id: TicketId,
    pub buyer: UserId,
    /// The hold had lapsed, but a seat was still free (`rules.md` 17).
    pub late: bool,
    /// Late, but its hold had not been released: it keeps that seat. A sale in time has its hold anyway.
    #[serde(default, skip_serializing_if = "is_false")]
    pub still_held: bool,
    pub sold_at: Timestamp,
    /// What it takes anew of a tier or a code: its hold had given that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retakes: Option<Box<Retaken>>,
}

/// The tier and the promo code of a seat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Retaken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::words::ShopWord>")]
    pub tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promo_code: Option<Fingerprint>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SeatReleased {
    pub ticket_id: TicketId,
    pub buyer: UserId,
    pub reason: ReleaseReason,
    /// Refunded before its sale was noted: the seat was only held. Seats that are released for other reasons always are.
    #[serde(default, skip_serializing_if = "is_false")]
    pub still_held: bool,
    pub released_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// The hold was not paid in time.
    Lapsed,
    /// The buyer gave the hold back.
    GivenBack,
    /// The ticket was refunded in full.
    Refunded,
    /// The room was cancelled while the seat was held.
    RoomCancelled,
    /// The buyer was sent out of the live room, or banned, while the seat was held.
    Removed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    SoldOut,
    SalesClosed,
    RoomOver,
    /// The buyer has as many tickets as one may have.
    TicketLimit,
    /// The buyer was sent out of the live room, or banned: the ticket would admit nobody.
    Removed,
    /// The money went back while its buyer waited for a seat.
    Refunded,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordingStarted {
    pub recording_id: RecordingId,
    pub session_id: SessionId,
    pub by: UserId,
    /// How long it is kept once it was stopped, as those who agreed to be heard were told.
    pub retention_days: u32,
    pub started_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordingStopped {
    pub recording_id: RecordingId,
    /// Absent when it stopped with the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    pub stopped_at: Timestamp,
}

/// How the sound of a part is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudioFormat {
    /// PCM of 16 bits.
    Wav,
    /// Opus in Ogg.
    Ogg,
}

/// A stretch that was recorded without a break; the first one is 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PartBegan {
    pub recording_id: RecordingId,
    pub part: u32,
    pub format: AudioFormat,
    pub began_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PartEnded {
    pub recording_id: RecordingId,
    pub part: u32,
    /// It ended before it should: the recorder or the media server went away. A recording that goes on has another part.
    #[serde(default, skip_serializing_if = "is_false")]
    pub broke_off: bool,
    pub duration_ms: u64,
    /// Absent if nothing of it could be saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RecordedFile>,
    pub ended_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordedFile {
    pub bytes: u64,
    /// In hexadecimal digits.
    #[schemars(with = "crate::words::Digest")]
    pub sha256: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionReason {
    /// It was kept as long as was said.
    RetentionOver,
    ByHost,
    ByAdmin,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordingDeleted {
    pub recording_id: RecordingId,
    pub reason: DeletionReason,
    pub deleted_at: Timestamp,
}

impl SeatSold {
    /// The seat was this ticket's already, held.
    pub const fn was_held(&self) -> bool {
        !self.late || self.still_held
    }
}

impl SeatReleased {
    /// The seat was held; otherwise it was sold.
    pub const fn was_held(&self) -> bool {
        self.still_held || !matches!(self.reason, ReleaseReason::Refunded)
    }
}
