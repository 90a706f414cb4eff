//! The state of a room: what the next decision needs, and nothing else.

use serde::{Deserialize, Serialize};

use crate::room::event::{DeliveryRecorded, VoidReason};
use crate::room::facts::RoomFacts;
use crate::room::prices::Prices;
use crate::room::seats::{Ending, Seat, Seats};
use crate::room::stage::Stage;
use crate::{SessionId, TicketId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    #[default]
    Unscheduled,
    Scheduled {
        facts: Box<RoomFacts>,
        seats: Seats,
    },
    Live {
        facts: Box<RoomFacts>,
        seats: Seats,
        stage: Box<Stage>,
        session_id: SessionId,
    },
    /// Nobody holds a seat any more; who bought one was there, or could have been.
    Ended {
        facts: Box<RoomFacts>,
        seats: Seats,
        session_id: SessionId,
        ended_at: Timestamp,
        delivery: Option<Box<DeliveryRecorded>>,
    },
    Cancelled {
        facts: Box<RoomFacts>,
        seats: Seats,
    },
    /// Everybody gets everything back.
    Voided {
        facts: Box<RoomFacts>,
        seats: Seats,
        reason: VoidReason,
        /// If it was opened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<SessionId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery: Option<Box<DeliveryRecorded>>,
    },
}

/// Where a room is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomPhase {
    Unscheduled,
    Scheduled,
    Live,
    Ended,
    Cancelled,
    Voided,
}

impl RoomPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unscheduled => "unscheduled",
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Voided => "voided",
        }
    }
}

impl Room {
    pub const fn phase(&self) -> RoomPhase {
        match self {
            Self::Unscheduled => RoomPhase::Unscheduled,
            Self::Scheduled { .. } => RoomPhase::Scheduled,
            Self::Live { .. } => RoomPhase::Live,
            Self::Ended { .. } => RoomPhase::Ended,
            Self::Cancelled { .. } => RoomPhase::Cancelled,
            Self::Voided { .. } => RoomPhase::Voided,
        }
    }

    pub fn facts(&self) -> Option<&RoomFacts> {
        match self {
            Self::Unscheduled => None,
            Self::Scheduled { facts, .. }
            | Self::Live { facts, .. }
            | Self::Ended { facts, .. }
            | Self::Cancelled { facts, .. }
            | Self::Voided { facts, .. } => Some(facts),
        }
    }

    pub fn is_host(&self, user: UserId) -> bool {
        self.facts().is_some_and(|facts| facts.host == user)
    }

    /// The opening of this room, from then on.
    pub const fn session_id(&self) -> Option<SessionId> {
        match self {
            Self::Live { session_id, .. } | Self::Ended { session_id, .. } => Some(*session_id),
            Self::Voided { session_id, .. } => *session_id,
            Self::Unscheduled | Self::Scheduled { .. } | Self::Cancelled { .. } => None,
        }
    }

    pub const fn was_opened(&self) -> bool {
        self.session_id().is_some()
    }

    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ended { ended_at, .. } => Some(*ended_at),
            Self::Voided { ended_at, .. } => *ended_at,
            Self::Unscheduled | Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } => None,
        }
    }

    pub fn delivery(&self) -> Option<&DeliveryRecorded> {
        match self {
            Self::Ended { delivery, .. } | Self::Voided { delivery, .. } => delivery.as_deref(),
            Self::Unscheduled | Self::Scheduled { .. } | Self::Live { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Why everybody gets everything back, if they do.
    pub const fn void_reason(&self) -> Option<VoidReason> {
        match self {
            Self::Voided { reason, .. } => Some(*reason),
            Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Live { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Whether this ticket was told, after its money came, that there is no seat.
    pub fn has_denied(&self, ticket_id: TicketId) -> bool {
        let seats = self.seats();
        seats.is_some_and(|seats| matches!(seats.ending(ticket_id), Some(Ending::Denied)))
    }

    /// The seat this ticket has now.
    pub fn seat(&self, ticket_id: TicketId) -> Option<Seat<'_>> {
        self.seats()?.seat(ticket_id)
    }

    /// Every ticket that has a sold seat, with its buyer.
    pub fn sold(&self) -> impl Iterator<Item = (TicketId, UserId)> {
        self.seats().into_iter().flat_map(Seats::sold)
    }

    /// Its tiers and promo codes, if it has any.
    pub fn prices(&self) -> Option<&Prices> {
        self.seats()?.prices()
    }

    pub fn held_count(&self) -> u32 {
        self.seats().map_or(0, Seats::held_count)
    }

    pub fn sold_count(&self) -> u32 {
        self.seats().map_or(0, Seats::sold_count)
    }

    /// When the next hold lapses, if nobody pays it.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.seats()?.next_expiry()
    }

    /// Whether this person was sent out of the live room. Forgotten when it is over: then nobody is let in.
    pub fn is_removed(&self, user: UserId) -> bool {
        self.stage().is_some_and(|stage| stage.is_removed(user))
    }

    pub(crate) const fn seats(&self) -> Option<&Seats> {
        match self {
            Self::Unscheduled => None,
            Self::Scheduled { seats, .. }
            | Self::Live { seats, .. }
            | Self::Ended { seats, .. }
            | Self::Cancelled { seats, .. }
            | Self::Voided { seats, .. } => Some(seats),
        }
    }

    /// Not sent out of the live room, and not banned.
    pub fn is_welcome(&self, user: UserId) -> bool {
        self.require_welcome(user).is_ok()
    }

    /// Whether this person may be in the room when it is live: the host's side, and who has a paid seat.
    pub fn may_be_inside(&self, user: UserId) -> bool {
        let has_seat = || self.seats().is_some_and(|seats| seats.bought_by(user) > 0);
        self.is_of_host_side(user) || (self.is_welcome(user) && has_seat())
    }

    pub(crate) const fn stage(&self) -> Option<&Stage> {
        match self {
            Self::Live { stage, .. } => Some(stage),
            Self::Unscheduled
            | Self::Scheduled { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. } => None,
        }
    }
}
