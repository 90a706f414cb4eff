//! What can be written to whom. Stored as jobs: a kind stays readable until its last job is done.

use std::time::Duration;

use domain::{RefundId, RoomId, TicketId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// One letter to one person. Ids only: what it says is looked up when it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Mail {
    /// It was issued: to its holder.
    Ticket { ticket: TicketId, at: Timestamp },
    /// It was given to them.
    Transferred {
        ticket: TicketId,
        to: UserId,
        at: Timestamp,
    },
    /// The money went back: to who paid it.
    Refund {
        ticket: TicketId,
        refund: RefundId,
        at: Timestamp,
    },
    /// It is their turn.
    Offer {
        room: RoomId,
        ticket: TicketId,
        to: UserId,
        expires_at: Timestamp,
        at: Timestamp,
    },
    /// Something about the room, to everybody with a ticket; of several tickets of one person it names one.
    Room {
        notice: Notice,
        room: RoomId,
        ticket: TicketId,
        to: UserId,
        at: Timestamp,
    },
}

/// What everybody with a ticket is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    Reminder { reminder: Reminder, starts_at: Timestamp },
    DoorsOpen,
    Rescheduled { starts_at: Timestamp },
    Cancelled,
}

/// How long before the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    Day,
    Soon,
}

impl Reminder {
    pub const ALL: [Self; 2] = [Self::Day, Self::Soon];

    pub const fn lead(self) -> Duration {
        match self {
            Self::Day => Duration::from_hours(24),
            Self::Soon => Duration::from_mins(15),
        }
    }

    /// Later than this it is no reminder any more.
    pub const fn grace(self) -> Duration {
        match self {
            Self::Day => Duration::from_hours(3),
            Self::Soon => Duration::from_mins(10),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Soon => "soon",
        }
    }
}

impl Notice {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reminder { reminder, .. } => reminder.name(),
            Self::DoorsOpen => "doors_open",
            Self::Rescheduled { .. } => "rescheduled",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Mail {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ticket { .. } => "ticket",
            Self::Transferred { .. } => "transferred",
            Self::Refund { .. } => "refund",
            Self::Offer { .. } => "offer",
            Self::Room { notice, .. } => notice.name(),
        }
    }

    /// With the event that caused it, this names the letter: one of each kind for a person and an event.
    pub fn key(&self) -> String {
        let kind = self.kind();
        match self {
            Self::Ticket { ticket, .. } => format!("{kind}/{ticket}"),
            Self::Transferred { ticket, to, .. } | Self::Offer { ticket, to, .. } => format!("{kind}/{ticket}/{to}"),
            Self::Refund { ticket, refund, .. } => format!("{kind}/{ticket}/{refund}"),
            Self::Room { room, to, .. } => format!("{kind}/{room}/{to}"),
        }
    }

    /// When it was decided to write.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Ticket { at, .. }
            | Self::Transferred { at, .. }
            | Self::Refund { at, .. }
            | Self::Offer { at, .. }
            | Self::Room { at, .. } => *at,
        }
    }
}
