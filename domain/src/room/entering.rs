//! The doors: the lobby before the opening, and a connection that takes over another one.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::room::decide::Decision;
use crate::{Room, RoomError, RoomEvent, SessionId, TicketId, Timestamp, UserId};

/// The lobby opens this long before the planned start.
pub const LOBBY_LEAD: TimeDelta = TimeDelta::hours(2);
/// Who is thrown out by others a thousand times in one opening has given the ticket away.
pub const TAKE_OVERS_MAX: u32 = 1_000;
/// The number of an entry that took nothing over.
const FIRST_ENTRY: u32 = 1;

/// Whose connection it is: a ticket's, or that of one of the host's side, who need none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entrant {
    pub user: UserId,
    pub ticket_id: Option<TicketId>,
}

/// The entries that are good now, of those who were taken over at least once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Entries {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tickets: BTreeMap<TicketId, u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    host_side: BTreeMap<UserId, u32>,
}

impl Entries {
    pub(crate) fn is_none(&self) -> bool {
        self.tickets.is_empty() && self.host_side.is_empty()
    }

    fn of(&self, entrant: Entrant) -> u32 {
        let taken = match entrant.ticket_id {
            Some(ticket) => self.tickets.get(&ticket),
            None => self.host_side.get(&entrant.user),
        };
        taken.copied().unwrap_or(FIRST_ENTRY)
    }

    pub(crate) fn take(&mut self, entrant: Entrant, entry: u32) {
        match entrant.ticket_id {
            Some(ticket) => self.tickets.insert(ticket, entry),
            None => self.host_side.insert(entrant.user, entry),
        };
    }
}

impl Room {
    /// The number of the entry that is good now: 1, and one more with each take-over.
    pub fn entry_of(&self, entrant: Entrant) -> u32 {
        self.stage().map_or(FIRST_ENTRY, |stage| stage.entries().of(entrant))
    }

    /// The opening to come, once its lobby is open.
    pub fn lobby(&self) -> Option<SessionId> {
        match self {
            Self::Scheduled { facts, .. } => facts.lobby,
            Self::Unscheduled
            | Self::Live { .. }
            | Self::Ended { .. }
            | Self::Cancelled { .. }
            | Self::Voided { .. } => None,
        }
    }

    /// By the host's side. A room that is live needs no lobby.
    pub(super) fn open_lobby(&self, by: UserId, session_id: SessionId, at: Timestamp) -> Decision {
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        if !self.is_of_host_side(by) {
            return Err(RoomError::NotHost);
        }
        self.require_not_over()?;
        if matches!(self, Self::Live { .. }) || facts.lobby.is_some() {
            return Ok(vec![]);
        }
        if let Some(opens_at) = facts.starts_at.checked_sub_signed(LOBBY_LEAD)
            && at < opens_at
        {
            return Err(RoomError::LobbyNotYet { opens_at });
        }
        Ok(vec![RoomEvent::LobbyOpened {
            session_id,
            by,
            opened_at: at,
        }])
    }

    /// Another connection is there: this one takes over the entry `from`. Whoever comes second with the same number finds
    /// it taken. Nobody is taken over in the lobby, where the host's side is among itself.
    pub(super) fn take_over(&self, entrant: Entrant, from: u32, at: Timestamp) -> Decision {
        if self.lobby().is_some() {
            return Ok(vec![]);
        }
        let live = self.live()?;
        self.require_inside(entrant.user)?;
        if live.stage.entries().of(entrant) != from {
            return Ok(vec![]);
        }
        if from > TAKE_OVERS_MAX {
            return Err(RoomError::TakeOversFull { limit: TAKE_OVERS_MAX });
        }
        Ok(vec![RoomEvent::EntryTakenOver {
            user: entrant.user,
            ticket_id: entrant.ticket_id,
            entry: from.saturating_add(1),
            taken_over_at: at,
        }])
    }
}
