//! What is recorded of a room: the terms, who agreed to be heard, and each recording with its parts.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::room::event::{PartBegan, PartEnded, RecordingDeleted, RecordingStarted, RecordingStopped};
use crate::{RecordingId, Timestamp, UserId};

/// Recordings of one room.
pub const RECORDINGS_MAX: usize = 50;
/// Parts of one recording: one that breaks off more often is not resumed any more.
pub const PARTS_MAX: u32 = 500;

/// What the host allows. Whether at all is settled when the room opens: who speaks then knows what they agreed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordingTerms {
    pub allowed: bool,
    /// Whether ticket holders may have what was recorded.
    pub for_holders: bool,
    /// How long a recording is kept once it was stopped.
    pub retention_days: u32,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Recordings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<RecordingTerms>,
    /// Who may be heard on a recording, beside the host. Forgotten when the room is over.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    consents: BTreeSet<UserId>,
    /// In the order they were started. At most the last one runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    all: Vec<Recording>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recording {
    pub recording_id: RecordingId,
    retention_days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    /// How many parts began.
    parts: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    part_is_open: bool,
}

impl Recording {
    pub const fn runs(&self) -> bool {
        self.stopped_at.is_none()
    }

    pub const fn is_deleted(&self) -> bool {
        self.deleted
    }

    pub const fn parts(&self) -> u32 {
        self.parts
    }

    pub const fn part_is_open(&self) -> bool {
        self.part_is_open
    }

    /// When it is to be deleted, if nobody does so earlier.
    pub fn delete_at(&self) -> Option<Timestamp> {
        let days = TimeDelta::days(self.retention_days.into());
        self.stopped_at.and_then(|at| at.checked_add_signed(days))
    }
}

impl Recordings {
    pub(crate) fn under(terms: Option<RecordingTerms>) -> Self {
        Self {
            terms,
            ..Self::default()
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub const fn terms(&self) -> Option<RecordingTerms> {
        self.terms
    }

    pub fn are_allowed(&self) -> bool {
        self.terms.is_some_and(|terms| terms.allowed)
    }

    pub fn find(&self, recording_id: RecordingId) -> Option<&Recording> {
        self.all.iter().find(|recording| recording.recording_id == recording_id)
    }

    /// The one that runs.
    pub fn running(&self) -> Option<&Recording> {
        self.all.last().filter(|recording| recording.runs())
    }

    pub(crate) fn have_all(&self) -> bool {
        self.all.len() >= RECORDINGS_MAX
    }

    pub(crate) fn has_consent(&self, user: UserId) -> bool {
        self.consents.contains(&user)
    }

    pub(super) const fn revise(&mut self, terms: RecordingTerms) {
        self.terms = Some(terms);
    }

    pub(super) fn consent(&mut self, user: UserId) {
        self.consents.insert(user);
    }

    pub(super) fn forget_consents(&mut self) {
        self.consents.clear();
    }

    pub(super) fn start(&mut self, started: &RecordingStarted) {
        self.all.push(Recording {
            recording_id: started.recording_id,
            retention_days: started.retention_days,
            stopped_at: None,
            deleted: false,
            parts: 0,
            part_is_open: false,
        });
    }

    pub(super) fn stop(&mut self, stopped: &RecordingStopped) {
        self.change(stopped.recording_id, |recording| {
            recording.stopped_at = Some(stopped.stopped_at);
        });
    }

    pub(super) fn begin_part(&mut self, began: &PartBegan) {
        self.change(began.recording_id, |recording| {
            recording.parts = began.part;
            recording.part_is_open = true;
        });
    }

    pub(super) fn end_part(&mut self, ended: &PartEnded) {
        self.change(ended.recording_id, |recording| recording.part_is_open = false);
    }

    pub(super) fn delete(&mut self, deleted: &RecordingDeleted) {
        self.change(deleted.recording_id, |recording| recording.deleted = true);
    }

    fn change(&mut self, recording_id: RecordingId, change: impl FnOnce(&mut Recording)) {
        let found = self.all.iter_mut().find(|known| known.recording_id == recording_id);
        if let Some(recording) = found {
            change(recording);
        }
    }
}
