//! The stage: ask to speak, be let up, be sent back, be sent away. Only in a live room, only with a paid seat.

use crate::room::decide::Decision;
use crate::room::seats::Seats;
use crate::room::stage::{SPEAKERS_MAX, Stage};
use crate::{Room, RoomError, RoomEvent, Timestamp, UserId};

/// A live room, as far as its stage goes.
struct LiveRoom<'a> {
    seats: &'a Seats,
    stage: &'a Stage,
}

impl Room {
    pub(super) fn request_to_speak(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        live.require_listener(user)?;
        // The host needs no permission, even with a ticket of their own.
        if self.is_host(user) || live.stage.is_speaker(user) || live.stage.has_request(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakRequested { user, requested_at: at }])
    }

    pub(super) fn withdraw_request(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        live.require_listener(user)?;
        if !live.stage.has_request(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakRequestWithdrawn { user, withdrawn_at: at }])
    }

    pub(super) fn approve_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_host(by)?;
        let live = self.live()?;
        live.require_listener(user)?;
        if live.stage.is_speaker(user) {
            return Ok(vec![]);
        }
        if !live.stage.has_request(user) {
            return Err(RoomError::NoRequest);
        }
        if live.stage.is_full() {
            return Err(RoomError::StageFull { limit: SPEAKERS_MAX });
        }
        Ok(vec![RoomEvent::SpeakerApproved {
            user,
            by,
            approved_at: at,
        }])
    }

    pub(super) fn decline_request(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_host(by)?;
        let live = self.live()?;
        live.require_listener(user)?;
        if !live.stage.has_request(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakRequestDeclined {
            user,
            by,
            declined_at: at,
        }])
    }

    pub(super) fn dismiss_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_host(by)?;
        let live = self.live()?;
        live.require_listener(user)?;
        if !live.stage.is_speaker(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakerDismissed {
            user,
            by,
            dismissed_at: at,
        }])
    }

    pub(super) fn remove_person(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_host(by)?;
        let live = self.live()?;
        if live.stage.is_removed(user) {
            return Ok(vec![]);
        }
        live.require_listener(user)?;
        // The host leaves by ending the room.
        if self.is_host(user) {
            return Err(RoomError::NotInRoom);
        }
        Ok(vec![RoomEvent::PersonRemoved {
            user,
            by,
            removed_at: at,
        }])
    }

    /// How somebody leaves the stage when their last ticket is refunded: by their own hand.
    pub(super) fn leave_stage(&self, user: UserId, at: Timestamp) -> Option<RoomEvent> {
        let stage = self.stage()?;
        if stage.is_speaker(user) {
            let (by, dismissed_at) = (user, at);
            return Some(RoomEvent::SpeakerDismissed { user, by, dismissed_at });
        }
        let withdrawn_at = at;
        stage
            .has_request(user)
            .then_some(RoomEvent::SpeakRequestWithdrawn { user, withdrawn_at })
    }

    fn live(&self) -> Result<LiveRoom<'_>, RoomError> {
        match self {
            Self::Live { seats, stage, .. } => Ok(LiveRoom { seats, stage }),
            Self::Unscheduled => Err(RoomError::NotScheduled),
            Self::Scheduled { .. } => Err(RoomError::NotLive),
            Self::Ended { .. } | Self::Cancelled { .. } => Err(RoomError::RoomOver),
        }
    }
}

impl LiveRoom<'_> {
    /// Has a paid seat and was not sent away.
    fn require_listener(&self, user: UserId) -> Result<(), RoomError> {
        if self.stage.is_removed(user) {
            return Err(RoomError::Removed);
        }
        if self.seats.bought_by(user) == 0 {
            return Err(RoomError::NotInRoom);
        }
        Ok(())
    }
}
