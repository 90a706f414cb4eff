//! What was seen of an opening, as it is recorded: who was there and who was heard, when nobody could be, and what it comes
//! to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Money, MoneyError, SessionId, TicketId, Timestamp, UserId};

/// One stay of one person: one connection, merged from what looks at the media server and its reports said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PresenceInterval {
    pub user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<TicketId>,
    pub joined_at: Timestamp,
    pub left_at: Timestamp,
    /// How long an unmuted microphone track of this person was published, in milliseconds.
    pub audible_ms: u64,
    /// Who saw them first. Absent in records of older versions, as is all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_by: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_by: Option<Source>,
    /// When that microphone was open, in order and apart. They add up to `audible_ms`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaking: Vec<Speaking>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Speaking {
    pub from: Timestamp,
    pub until: Timestamp,
    /// What ended it; what began it was always a look.
    pub source: Source,
}

/// How a moment is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A look at the media server's list.
    Poll,
    /// A report of the media server.
    Webhook,
    /// A report that a connection had failed: its end is reckoned back from the report by the media server's patience.
    Timeout,
    /// The room was over.
    RoomEnd,
}

/// A time in which nobody could be heard, or nobody looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interruption {
    pub from: Timestamp,
    pub until: Timestamp,
    pub cause: InterruptionCause,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterruptionCause {
    /// The media server did not answer, or had lost the room.
    MediaServer,
    /// It did for all we know, but nothing of ours looked.
    Unwatched,
}

/// The verdict on a room that ended: what the host's side delivered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryRecorded {
    pub session_id: SessionId,
    /// How long the host's side was audible, in milliseconds.
    pub host_heard_ms: u64,
    /// Ticket holders who were in the room while the host's side was audible.
    pub listeners_present: u32,
    /// Ended, and the host's side was heard (`rules.md` 11).
    pub delivered: bool,
    pub recorded_at: Timestamp,
    /// Absent in records of older versions, which knew `delivered` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
}

/// What an opening came to (`rules.md` 10, 11).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    Delivered,
    /// The host's side was heard for less than half of what was promised, because of us or the media server: buyers get
    /// the missing share back, and the rest is earned.
    Crashed(Missing),
    /// Everybody gets everything back.
    Void {
        reason: VoidReason,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// Nobody of the host's side was heard in time, by their own fault.
    NoShow,
    /// Nobody could be heard, by ours.
    Crash,
    /// An admin took the room down.
    Moderation,
}

impl VoidReason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoShow => "no_show",
            Self::Crash => "crash",
            Self::Moderation => "moderation",
        }
    }
}

/// The share of what was promised that was not heard: more than half, less than all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    pub missing_ms: u64,
    pub promised_ms: u64,
}

impl Missing {
    /// What goes back of an amount: rounded up to a whole minor unit, and never more than all of it.
    pub fn of(self, amount: Money) -> Result<Money, MoneyError> {
        amount.part_ceil(self.missing_ms, self.promised_ms)
    }
}

impl DeliveryRecorded {
    /// What is missing of a room that was delivered in part.
    pub const fn missing(&self) -> Option<Missing> {
        match self.verdict {
            Some(Verdict::Crashed(missing)) => Some(missing),
            Some(Verdict::Delivered | Verdict::Void { .. }) | None => None,
        }
    }
}
