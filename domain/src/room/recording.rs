//! Recording a room: only where its host allows it, and of nobody who did not agree. What recorders do is told by the
//! process that runs them.

use std::ops::RangeInclusive;

use crate::room::command::{Authority, Deletion};
use crate::room::decide::Decision;
use crate::room::event::{DeletionReason, PartBegan, PartEnded, RecordingDeleted, RecordingStarted, RecordingStopped};
use crate::room::powers::Power;
use crate::room::recordings::{PARTS_MAX, RECORDINGS_MAX, Recording, RecordingTerms, Recordings};
use crate::room::schedule;
use crate::room::stage::Stage;
use crate::{RecordingId, Room, RoomError, RoomEvent, Timestamp, UserId};

/// Ten years.
const RETENTION_DAYS: RangeInclusive<u32> = 1..=3_650;

impl Room {
    pub fn recordings(&self) -> Option<&Recordings> {
        self.facts().map(|facts| &facts.recordings)
    }

    /// Whether everybody who is heard from now on may be recorded.
    pub fn is_recorded(&self) -> bool {
        self.recordings()
            .is_some_and(|recordings| recordings.running().is_some())
    }

    /// Who is on the stage and did not agree to be recorded. The host allows it for themself.
    pub fn without_consent(&self) -> Vec<UserId> {
        let co_hosts = self.facts().into_iter().flat_map(|facts| &facts.co_hosts);
        let speakers = self.stage().into_iter().flat_map(Stage::speakers);
        let on_stage = co_hosts.chain(speakers).copied();
        on_stage.filter(|user| !self.may_be_recorded(*user)).collect()
    }

    /// By those who may start one, and by whoever may come to speak: it is asked for before they do.
    pub(super) fn consent_to_recording(&self, user: UserId, at: Timestamp) -> Decision {
        self.require_not_over()?;
        self.require_inside(user)?;
        if !self.recordings().is_some_and(Recordings::are_allowed) {
            return Err(RoomError::RecordingNotAllowed);
        }
        let news = !self.may_be_recorded(user);
        Ok(news.then(|| consented(user, at)).into_iter().collect())
    }

    /// Where recording is allowed nobody comes to speak who has not agreed to it.
    pub(super) fn require_consent(&self, user: UserId) -> Result<(), RoomError> {
        let is_asked = self.recordings().is_some_and(Recordings::are_allowed);
        if is_asked && !self.may_be_recorded(user) {
            return Err(RoomError::ConsentMissing);
        }
        Ok(())
    }

    /// Who is put on the stage by another while a recording runs is on it at once.
    pub(super) fn require_consent_if_recorded(&self, user: UserId) -> Result<(), RoomError> {
        if self.is_recorded() {
            self.require_consent(user)
        } else {
            Ok(())
        }
    }

    pub(super) fn start_recording(&self, recording_id: RecordingId, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Record, by)?;
        self.live()?;
        let (Some(session_id), Some(recordings)) = (self.session_id(), self.recordings()) else {
            return Err(RoomError::NotLive);
        };
        let Some(terms) = recordings.terms().filter(|terms| terms.allowed) else {
            return Err(RoomError::RecordingNotAllowed);
        };
        if recordings.running().is_some() || recordings.find(recording_id).is_some() {
            return Ok(vec![]);
        }
        if self.without_consent().iter().any(|user| *user != by) {
            return Err(RoomError::ConsentMissing);
        }
        if recordings.have_all() {
            return Err(RoomError::RecordingsFull { limit: RECORDINGS_MAX });
        }
        let own = (!self.may_be_recorded(by)).then(|| consented(by, at));
        let started = RoomEvent::RecordingStarted(RecordingStarted {
            recording_id,
            session_id,
            by,
            retention_days: terms.retention_days,
            started_at: at,
        });
        Ok(own.into_iter().chain([started]).collect())
    }

    pub(super) fn stop_recording(&self, by: UserId, at: Timestamp) -> Decision {
        self.require_power(Power::Record, by)?;
        self.live()?;
        Ok(self.recording_stopped(Some(by), at).into_iter().collect())
    }

    /// Also with the room's end.
    pub(super) fn recording_stopped(&self, by: Option<UserId>, at: Timestamp) -> Option<RoomEvent> {
        let running = self.recordings()?.running()?;
        Some(RoomEvent::RecordingStopped(RecordingStopped {
            recording_id: running.recording_id,
            by,
            stopped_at: at,
        }))
    }

    /// Sound is being written. Parts come one after another; also one that was seen only when it was over.
    pub(super) fn begin_recording_part(&self, began: PartBegan) -> Decision {
        let recording = self.recording(began.recording_id)?;
        if began.part <= recording.parts() {
            return Ok(vec![]);
        }
        if recording.is_deleted() || recording.part_is_open() || began.part != recording.parts().saturating_add(1) {
            return Err(RoomError::WrongState {
                state: "at another part",
            });
        }
        if began.part > PARTS_MAX {
            return Err(RoomError::PartsFull { limit: PARTS_MAX });
        }
        Ok(vec![RoomEvent::RecordingPartBegan(began)])
    }

    pub(super) fn end_recording_part(&self, ended: PartEnded) -> Decision {
        let recording = self.recording(ended.recording_id)?;
        if ended.part > recording.parts() {
            return Err(RoomError::WrongState {
                state: "at another part",
            });
        }
        let is_open = recording.part_is_open() && ended.part == recording.parts() && !recording.is_deleted();
        let news = is_open.then_some(RoomEvent::RecordingPartEnded(ended));
        Ok(news.into_iter().collect())
    }

    /// By the host or an admin at any time after it was stopped; by itself when it was kept as long as was said.
    pub(super) fn delete_recording(&self, recording_id: RecordingId, by: Deletion, at: Timestamp) -> Decision {
        let reason = match by {
            Deletion::By(authority) => {
                self.require_authority(authority)?;
                match authority {
                    Authority::User(_) => DeletionReason::ByHost,
                    Authority::Admin => DeletionReason::ByAdmin,
                }
            }
            Deletion::Due => DeletionReason::RetentionOver,
        };
        let recording = self.recording(recording_id)?;
        if recording.is_deleted() {
            return Ok(vec![]);
        }
        let Some(delete_at) = recording.delete_at() else {
            return Err(RoomError::WrongState {
                state: "being recorded",
            });
        };
        if by == Deletion::Due && at < delete_at {
            return Err(RoomError::WrongState {
                state: "to keep this recording",
            });
        }
        Ok(vec![RoomEvent::RecordingDeleted(RecordingDeleted {
            recording_id,
            reason,
            deleted_at: at,
        })])
    }

    fn may_be_recorded(&self, user: UserId) -> bool {
        self.is_host(user) || self.recordings().is_some_and(|recordings| recordings.has_consent(user))
    }

    fn recording(&self, recording_id: RecordingId) -> Result<&Recording, RoomError> {
        let recordings = self.recordings().ok_or(RoomError::NotScheduled)?;
        recordings.find(recording_id).ok_or(RoomError::NoSuchRecording)
    }
}

pub(super) fn terms(terms: RecordingTerms) -> Result<(), RoomError> {
    schedule::within("recording.retention_days", terms.retention_days, RETENTION_DAYS)
}

const fn consented(user: UserId, at: Timestamp) -> RoomEvent {
    RoomEvent::RecordingConsented { user, consented_at: at }
}
