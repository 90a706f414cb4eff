//! The stage: ask to speak or be invited, be let up, go back. Only in a live room, only with a paid seat or as one of the
//! host's side; who decides is in `powers`.

use crate::room::decide::Decision;
use crate::room::leading::no_co_host;
use crate::room::powers::{Power, Role};
use crate::room::stage::{INVITATIONS_MAX, REQUESTS_MAX, SPEAKERS_MAX, Stage};
use crate::{Room, RoomError, RoomEvent, Timestamp, UserId};

/// A live room, as far as its stage goes.
pub(super) struct LiveRoom<'a> {
    pub(super) stage: &'a Stage,
}

impl Room {
    /// Who was invited accepts by asking.
    pub(super) fn request_to_speak(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        self.require_inside(user)?;
        // The host's side needs no permission, even with tickets of their own.
        if self.role_of(user) != Role::Listener || live.stage.has_request(user) {
            return Ok(vec![]);
        }
        if live.stage.is_invited(user) {
            return self.accept_invitation(user, at);
        }
        self.require_consent(user)?;
        if live.stage.has_all_requests() {
            return Err(RoomError::RequestsFull { limit: REQUESTS_MAX });
        }
        Ok(vec![RoomEvent::SpeakRequested { user, requested_at: at }])
    }

    pub(super) fn withdraw_request(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        self.require_inside(user)?;
        if !live.stage.has_request(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakRequestWithdrawn { user, withdrawn_at: at }])
    }

    pub(super) fn approve_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::AnswerRequests, by)?;
        let live = self.live()?;
        self.require_inside(user)?;
        if self.role_of(user) != Role::Listener {
            return Ok(vec![]);
        }
        if !live.stage.has_request(user) {
            return Err(RoomError::NoRequest);
        }
        self.require_consent(user)?;
        live.require_place()?;
        Ok(vec![approved(user, by, at)])
    }

    pub(super) fn decline_request(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::AnswerRequests, by)?;
        let live = self.live()?;
        self.require_inside(user)?;
        if !live.stage.has_request(user) {
            return Ok(vec![]);
        }
        Ok(vec![RoomEvent::SpeakRequestDeclined {
            user,
            by,
            declined_at: at,
        }])
    }

    /// Who asked to speak is approved by it.
    pub(super) fn invite_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::InviteSpeakers, by)?;
        let live = self.live()?;
        self.require_inside(user)?;
        if self.role_of(user) != Role::Listener || live.stage.is_invited(user) {
            return Ok(vec![]);
        }
        live.require_place()?;
        if live.stage.has_request(user) {
            self.require_consent(user)?;
            return Ok(vec![approved(user, by, at)]);
        }
        if live.stage.has_all_invitations() {
            return Err(RoomError::InvitationsFull { limit: INVITATIONS_MAX });
        }
        Ok(vec![RoomEvent::SpeakerInvited {
            user,
            by,
            invited_at: at,
        }])
    }

    pub(super) fn accept_invitation(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        self.require_inside(user)?;
        if self.role_of(user) != Role::Listener {
            return Ok(vec![]);
        }
        if !live.stage.is_invited(user) {
            return Err(RoomError::NotInvited);
        }
        self.require_consent(user)?;
        live.require_place()?;
        Ok(vec![RoomEvent::InvitationAccepted { user, accepted_at: at }])
    }

    pub(super) fn decline_invitation(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        self.require_inside(user)?;
        let declined = live.stage.is_invited(user).then(|| not_invited(user, user, at));
        Ok(declined.into_iter().collect())
    }

    /// An invitation is taken back.
    pub(super) fn dismiss_speaker(&self, user: UserId, by: UserId, at: Timestamp) -> Decision {
        if user == by {
            return self.step_down(user, at);
        }
        self.require_power(Power::MoveToAudience, by)?;
        let live = self.live()?;
        if self.is_co_host(user) {
            self.require_reach(Power::MoveToAudience, by, user)?;
            return Ok(vec![no_co_host(user, by, at)]);
        }
        self.require_welcome(user)?;
        if live.stage.is_invited(user) {
            return Ok(vec![not_invited(user, by, at)]);
        }
        if !live.stage.is_speaker(user) {
            return Ok(vec![]);
        }
        Ok(vec![dismissed(user, by, at)])
    }

    /// By their own hand. The host leaves by ending the room.
    pub(super) fn step_down(&self, user: UserId, at: Timestamp) -> Decision {
        let live = self.live()?;
        if self.is_co_host(user) {
            return Ok(vec![no_co_host(user, user, at)]);
        }
        self.require_welcome(user)?;
        if self.is_host(user) {
            return Err(RoomError::OutOfReach);
        }
        let speaks = live.stage.is_speaker(user);
        Ok(speaks.then(|| dismissed(user, user, at)).into_iter().collect())
    }

    /// How somebody leaves the stage when their last ticket is gone: by their own hand. The host's side needs no ticket.
    pub(super) fn leave_stage(&self, user: UserId, at: Timestamp) -> Option<RoomEvent> {
        let stage = self.stage()?;
        if stage.is_speaker(user) {
            return Some(dismissed(user, user, at));
        }
        if stage.is_invited(user) {
            return Some(not_invited(user, user, at));
        }
        let withdrawn_at = at;
        stage
            .has_request(user)
            .then_some(RoomEvent::SpeakRequestWithdrawn { user, withdrawn_at })
    }

    pub(super) fn live(&self) -> Result<LiveRoom<'_>, RoomError> {
        match self {
            Self::Live { stage, .. } => Ok(LiveRoom { stage }),
            Self::Unscheduled => Err(RoomError::NotScheduled),
            Self::Scheduled { .. } => Err(RoomError::NotLive),
            Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. } => Err(RoomError::RoomOver),
        }
    }

    /// One of the host's side, or somebody with a paid seat who was not sent away.
    pub(super) fn require_inside(&self, user: UserId) -> Result<(), RoomError> {
        self.require_welcome(user)?;
        if self.may_be_inside(user) {
            Ok(())
        } else {
            Err(RoomError::NotInRoom)
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Ended { .. } | Self::Cancelled { .. } | Self::Voided { .. })
    }
}

impl LiveRoom<'_> {
    fn require_place(&self) -> Result<(), RoomError> {
        if self.stage.is_full() {
            return Err(RoomError::StageFull { limit: SPEAKERS_MAX });
        }
        Ok(())
    }
}

const fn approved(user: UserId, by: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::SpeakerApproved {
        user,
        by,
        approved_at: at,
    }
}

const fn dismissed(user: UserId, by: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::SpeakerDismissed {
        user,
        by,
        dismissed_at: at,
    }
}

const fn not_invited(user: UserId, by: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::InvitationDeclined {
        user,
        by,
        declined_at: at,
    }
}
