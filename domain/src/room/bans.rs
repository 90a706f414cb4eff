//! Who may not come to a room: banned from it, or from all rooms of its host.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::UserId;

/// People that one room, or one host for all their rooms, may ban.
pub const BANS_MAX: usize = 1_000;

/// The two lists of one room. Somebody may be on both.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bans {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    here: BTreeSet<UserId>,
    /// As far as the host's account was followed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    everywhere: BTreeSet<UserId>,
}

impl Bans {
    pub(crate) fn is_none(&self) -> bool {
        self.here.is_empty() && self.everywhere.is_empty()
    }

    pub fn contains(&self, user: UserId) -> bool {
        self.here.contains(&user) || self.everywhere.contains(&user)
    }

    /// Banned from this room alone.
    pub fn here(&self) -> &BTreeSet<UserId> {
        &self.here
    }

    /// Banned from all rooms of the host.
    pub fn everywhere(&self) -> &BTreeSet<UserId> {
        &self.everywhere
    }

    pub(super) fn ban(&mut self, user: UserId, everywhere: bool) {
        self.list(everywhere).insert(user);
    }

    pub(super) fn unban(&mut self, user: UserId, everywhere: bool) {
        self.list(everywhere).remove(&user);
    }

    const fn list(&mut self, everywhere: bool) -> &mut BTreeSet<UserId> {
        if everywhere {
            &mut self.everywhere
        } else {
            &mut self.here
        }
    }
}
