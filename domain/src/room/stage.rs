//! The stage of a live room: who speaks, who asked to, and who was sent away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::UserId;

/// Speakers beside the host (`rules.md` 7).
pub const SPEAKERS_MAX: usize = 10;

/// Nobody is on more than one of the three lists.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stage {
    speakers: BTreeSet<UserId>,
    requests: BTreeSet<UserId>,
    removed: BTreeSet<UserId>,
}

impl Stage {
    pub(crate) fn is_speaker(&self, user: UserId) -> bool {
        self.speakers.contains(&user)
    }

    pub(crate) fn has_request(&self, user: UserId) -> bool {
        self.requests.contains(&user)
    }

    pub(crate) fn is_removed(&self, user: UserId) -> bool {
        self.removed.contains(&user)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.speakers.len() >= SPEAKERS_MAX
    }

    pub(super) fn request(&mut self, user: UserId) {
        self.requests.insert(user);
    }

    pub(super) fn drop_request(&mut self, user: UserId) {
        self.requests.remove(&user);
    }

    pub(super) fn approve(&mut self, user: UserId) {
        self.requests.remove(&user);
        self.speakers.insert(user);
    }

    pub(super) fn dismiss(&mut self, user: UserId) {
        self.speakers.remove(&user);
    }

    pub(super) fn remove(&mut self, user: UserId) {
        self.requests.remove(&user);
        self.speakers.remove(&user);
        self.removed.insert(user);
    }
}
