//! The host's side: co-hosts, and who leads while the host is away (`rules.md` 7).

use crate::room::decide::Decision;
use crate::room::facts::RoomFacts;
use crate::room::powers::Power;
use crate::room::stage::Stage;
use crate::{Room, RoomError, RoomEvent, Timestamp, UserId};

/// Beside the host.
pub const CO_HOSTS_MAX: usize = 2;

impl Room {
    pub fn is_co_host(&self, user: UserId) -> bool {
        self.facts().is_some_and(|facts| facts.co_hosts.contains(&user))
    }

    /// The host and co-hosts, who need no ticket.
    pub fn is_of_host_side(&self, user: UserId) -> bool {
        self.is_host(user) || self.is_co_host(user)
    }

    /// Who leads: the host, but for the time somebody else was put in charge.
    pub fn lead(&self) -> Option<UserId> {
        let host = self.facts()?.host;
        Some(self.stage().and_then(Stage::lead).unwrap_or(host))
    }

    /// Before the room opens, or while it is live.
    pub(super) fn appoint_co_host(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::AppointCoHosts, by)?;
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        self.require_not_over()?;
        if self.is_co_host(user) {
            return Ok(vec![]);
        }
        self.require_reach(Power::AppointCoHosts, by, user)?;
        self.require_welcome(user)?;
        self.require_consent_if_recorded(user)?;
        if facts.co_hosts.len() >= CO_HOSTS_MAX {
            return Err(RoomError::CoHostsFull { limit: CO_HOSTS_MAX });
        }
        Ok(vec![RoomEvent::CoHostAppointed {
            user,
            by,
            appointed_at: at,
        }])
    }

    /// Their role ends, by the host or by their own hand, and with it their being here if they have no ticket.
    pub(super) fn dismiss_co_host(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        if user != by {
            self.require_power(Power::AppointCoHosts, by)?;
        }
        self.require_not_over()?;
        if !self.is_co_host(user) {
            return Ok(vec![]);
        }
        if user != by {
            self.require_reach(Power::AppointCoHosts, by, user)?;
        }
        Ok(vec![no_co_host(user, by, at)])
    }

    /// The host has left and a co-host is there, or the host is back. Whoever of the host's side is named leads; nobody
    /// else can.
    pub(super) fn hand_over(&self, to: UserId, at: Timestamp) -> Decision {
        match self {
            Self::Live { .. } => {}
            Self::Unscheduled => return Err(RoomError::NotScheduled),
            Self::Scheduled { .. } => return Err(RoomError::NotLive),
            Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => return Err(RoomError::RoomOver),
        }
        let from = self.lead().ok_or(RoomError::NotScheduled)?;
        if !self.is_of_host_side(to) {
            return Err(RoomError::NotOnStage);
        }
        if from == to {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::HostHandedOver {
            from,
            to,
            handed_over_at: at,
        }])
    }
}

/// What became of the host's side, taken in.
impl Room {
    pub(super) fn take_co_host(&mut self, user: UserId) {
        self.with_facts(|facts| facts.co_hosts.push(user));
        self.with_stage(|stage| stage.clear(user));
    }

    pub(super) fn let_co_host_go(&mut self, user: UserId) {
        self.with_facts(|facts| facts.dismiss_co_host(user));
        self.with_stage(|stage| stage.clear(user));
    }

    pub(super) fn take_handover(&mut self, to: UserId) {
        let co_host = Some(to).filter(|to| !self.is_host(*to));
        self.with_stage(|stage| stage.lead_by(co_host));
    }
}

pub(super) const fn no_co_host(user: UserId, by: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::CoHostDismissed {
        user,
        by,
        dismissed_at: at,
    }
}

impl RoomFacts {
    pub(super) fn dismiss_co_host(&mut self, user: UserId) {
        self.co_hosts.retain(|co_host| *co_host != user);
    }
}
