//! Silence, removal and bans: by the host's side, over those below (`powers`).

use std::collections::BTreeSet;

use crate::room::bans::BANS_MAX;
use crate::room::decide::Decision;
use crate::room::powers::{Power, Role};
use crate::{Room, RoomError, RoomEvent, Timestamp, UserId};

impl Room {
    /// Not sent out of the live room, and not banned. A ticket of somebody else would admit nobody.
    pub fn require_welcome(&self, user: UserId) -> Result<(), RoomError> {
        if self.is_removed(user) {
            return Err(RoomError::Removed);
        }
        if self.facts().is_some_and(|facts| facts.bans.contains(user)) {
            return Err(RoomError::Banned);
        }
        Ok(())
    }

    pub(super) fn mute_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Mute, by)?;
        let live = self.live()?;
        self.require_inside(user)?;
        if live.stage.is_muted(user) {
            return Ok(vec![]);
        }
        if self.role_of(user) == Role::Listener {
            return Err(RoomError::NotOnStage);
        }
        self.require_reach(Power::Mute, by, user)?;
        Ok(vec![muted(user, by, at)])
    }

    /// Everybody below who is not silent yet.
    pub(super) fn mute_all(&self, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::MuteAll, by)?;
        let live = self.live()?;
        let co_hosts = self.facts().into_iter().flat_map(|facts| &facts.co_hosts);
        let on_stage = co_hosts.chain(live.stage.speakers()).copied();
        let below = on_stage.filter(|user| self.require_reach(Power::MuteAll, by, *user).is_ok());
        let audible = below.filter(|user| !live.stage.is_muted(*user));
        Ok(audible.map(|user| muted(user, by, at)).collect())
    }

    /// By the speaker alone: nobody opens another's microphone.
    pub(super) fn unmute(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        self.require_inside(user)?;
        if !live.stage.is_muted(user) {
            return Ok(vec![]);
        }
        self.require_reach(Power::Unmute, user, user)?;
        Ok(vec![RoomEvent::SpeakerUnmuted { user, unmuted_at: at }])
    }

    pub(super) fn remove_person(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Remove, by)?;
        let live = self.live()?;
        if live.stage.is_removed(user) {
            return Ok(vec![]);
        }
        self.require_inside(user)?;
        // The host leaves by ending the room.
        self.require_reach(Power::Remove, by, user)?;
        Ok(vec![RoomEvent::PersonRemoved {
            user,
            by,
            removed_at: at,
        }])
    }

    /// Before the room opens, or while it is live; with or without a ticket. What was paid is the host's to give back
    /// (`rules.md` 21).
    pub(super) fn ban_person(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Ban, by)?;
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        self.require_not_over()?;
        if facts.bans.here().contains(&user) {
            return Ok(vec![]);
        }
        self.require_reach(Power::Ban, by, user)?;
        if facts.bans.here().len() >= BANS_MAX {
            return Err(RoomError::BansFull { limit: BANS_MAX });
        }
        Ok(vec![RoomEvent::PersonBanned {
            user,
            by,
            everywhere: false,
            banned_at: at,
        }])
    }

    pub(super) fn unban_person(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Ban, by)?;
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        self.require_not_over()?;
        if !facts.bans.here().contains(&user) && !self.is_removed(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::PersonUnbanned {
            user,
            by,
            everywhere: false,
            unbanned_at: at,
        }])
    }

    /// What the host decided for all their rooms holds here, from now on. A room that is over is left as it was.
    pub(super) fn follow_bans(&self, banned: &[UserId], at: Timestamp) -> Decision {
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        if self.require_not_over().is_err() {
            return Ok(vec![]);
        }
        let by = facts.host;
        let known = facts.bans.everywhere();
        let banned: BTreeSet<UserId> = banned.iter().copied().filter(|user| *user != by).collect();
        let over = known.difference(&banned).map(|user| RoomEvent::PersonUnbanned {
            user: *user,
            by,
            everywhere: true,
            unbanned_at: at,
        });
        let new = banned.difference(known).map(|user| RoomEvent::PersonBanned {
            user: *user,
            by,
            everywhere: true,
            banned_at: at,
        });
        Ok(over.chain(new).collect())
    }

    pub(super) const fn require_not_over(&self) -> Result<(), RoomError> {
        match self {
            Self::Scheduled { .. } | Self::Live { .. } => Ok(()),
            Self::Unscheduled => Err(RoomError::NotScheduled),
            Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => Err(RoomError::RoomOver),
        }
    }
}

/// What became of somebody's standing, taken in.
impl Room {
    pub(super) fn take_removal(&mut self, user: UserId) {
        self.with_facts(|facts| facts.dismiss_co_host(user));
        self.with_stage(|stage| stage.remove(user));
    }

    pub(super) fn take_ban(&mut self, user: UserId, everywhere: bool) {
        self.with_facts(|facts| {
            facts.dismiss_co_host(user);
            facts.bans.ban(user, everywhere);
        });
        self.with_stage(|stage| stage.clear(user));
    }

    pub(super) fn take_unban(&mut self, user: UserId, everywhere: bool) {
        self.with_facts(|facts| facts.bans.unban(user, everywhere));
        if !everywhere {
            self.with_stage(|stage| stage.let_back(user));
        }
    }
}

const fn muted(user: UserId, by: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::SpeakerMuted { user, by, muted_at: at }
}
