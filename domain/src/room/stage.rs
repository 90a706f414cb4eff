//! The stage of a live room: who speaks, who asked to or was invited, who is silenced, and who was sent away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::room::entering::{Entrant, Entries};

/// Speakers beside the host's side (`rules.md` 7).
pub const SPEAKERS_MAX: usize = 10;
/// Requests that wait for an answer.
pub const REQUESTS_MAX: usize = 1_000;
/// Invitations that wait for an answer.
pub const INVITATIONS_MAX: usize = 50;

/// Nobody is on more than one of the first four lists. The host's side is none of them: it is known for the whole life of
/// the room.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stage {
    speakers: BTreeSet<UserId>,
    requests: BTreeSet<UserId>,
    removed: BTreeSet<UserId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    invited: BTreeSet<UserId>,
    /// Speakers and co-hosts who were silenced, and have not opened their microphone since.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    muted: BTreeSet<UserId>,
    /// The co-host who leads while the host is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead: Option<UserId>,
    #[serde(default, skip_serializing_if = "Entries::is_none")]
    entries: Entries,
}

impl Stage {
    pub(crate) fn is_speaker(&self, user: UserId) -> bool {
        self.speakers.contains(&user)
    }

    pub(crate) fn speakers(&self) -> impl Iterator<Item = &UserId> {
        self.speakers.iter()
    }

    pub(crate) fn has_request(&self, user: UserId) -> bool {
        self.requests.contains(&user)
    }

    pub(crate) fn is_invited(&self, user: UserId) -> bool {
        self.invited.contains(&user)
    }

    pub(crate) fn is_muted(&self, user: UserId) -> bool {
        self.muted.contains(&user)
    }

    pub(crate) fn is_removed(&self, user: UserId) -> bool {
        self.removed.contains(&user)
    }

    pub(crate) const fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(crate) const fn lead(&self) -> Option<UserId> {
        self.lead
    }

    pub(crate) fn is_full(&self) -> bool {
        self.speakers.len() >= SPEAKERS_MAX
    }

    pub(crate) fn has_all_requests(&self) -> bool {
        self.requests.len() >= REQUESTS_MAX
    }

    pub(crate) fn has_all_invitations(&self) -> bool {
        self.invited.len() >= INVITATIONS_MAX
    }

    pub(super) fn request(&mut self, user: UserId) {
        self.requests.insert(user);
    }

    pub(super) fn drop_request(&mut self, user: UserId) {
        self.requests.remove(&user);
    }

    pub(super) fn invite(&mut self, user: UserId) {
        self.invited.insert(user);
    }

    pub(super) fn drop_invitation(&mut self, user: UserId) {
        self.invited.remove(&user);
    }

    pub(super) fn approve(&mut self, user: UserId) {
        self.requests.remove(&user);
        self.invited.remove(&user);
        self.speakers.insert(user);
    }

    pub(super) fn dismiss(&mut self, user: UserId) {
        self.speakers.remove(&user);
        self.muted.remove(&user);
    }

    pub(super) fn mute(&mut self, user: UserId) {
        self.muted.insert(user);
    }

    pub(super) fn unmute(&mut self, user: UserId) {
        self.muted.remove(&user);
    }

    pub(super) fn remove(&mut self, user: UserId) {
        self.clear(user);
        self.removed.insert(user);
    }

    pub(super) fn let_back(&mut self, user: UserId) {
        self.removed.remove(&user);
    }

    pub(super) fn take_entry(&mut self, entrant: Entrant, entry: u32) {
        self.entries.take(entrant, entry);
    }

    pub(super) const fn lead_by(&mut self, co_host: Option<UserId>) {
        self.lead = co_host;
    }

    /// Off every list: somebody's role here is another one, or none.
    pub(super) fn clear(&mut self, user: UserId) {
        self.requests.remove(&user);
        self.invited.remove(&user);
        self.speakers.remove(&user);
        self.muted.remove(&user);
        if self.lead == Some(user) {
            self.lead = None;
        }
    }
}
