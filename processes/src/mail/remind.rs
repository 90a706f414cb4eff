//! The timer of a reminder rings.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::room::RoomPhase;
use domain::{Room, RoomId, TicketId, Timestamp, UserId};

use super::notify::{holders, letters};
use super::{Notice, Reminder};
use crate::{Deps, JobResult, Outcome};

/// What the room says to a timer that rings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ring {
    /// It is over, or open already, or too late.
    Silence,
    /// The room was moved meanwhile.
    NotBefore(Timestamp),
    Remind {
        starts_at: Timestamp,
        holders: BTreeMap<UserId, TicketId>,
    },
}

pub async fn remind_holders(deps: &Deps, room: RoomId, reminder: Reminder) -> JobResult {
    let now = deps.clock.now();
    let look = move |room: &Room| ring(room, reminder, now);
    let (ring, _) = deps.aggregates.rooms.read(room.as_uuid(), look).await?;
    Ok(match ring {
        Ring::Silence => Outcome::Done,
        Ring::NotBefore(due_at) => Outcome::RetryAt(due_at),
        Ring::Remind { starts_at, holders } => letters(room, Notice::Reminder { reminder, starts_at }, holders, now),
    })
}

pub(super) fn ring(room: &Room, reminder: Reminder, now: Timestamp) -> Ring {
    let facts = room.facts().filter(|_| room.phase() == RoomPhase::Scheduled);
    let Some(starts_at) = facts.map(|facts| facts.starts_at) else {
        return Ring::Silence;
    };
    let span = |wait| TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    let Some(due_at) = starts_at.checked_sub_signed(span(reminder.lead())) else {
        return Ring::Silence;
    };
    if now < due_at {
        return Ring::NotBefore(due_at);
    }
    if now.signed_duration_since(due_at) > span(reminder.grace()) {
        return Ring::Silence;
    }
    Ring::Remind {
        starts_at,
        holders: holders(room),
    }
}
