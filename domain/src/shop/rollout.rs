//! Who may sell where (`rules.md` 3): a flag for each channel, by cohort and by share of all hosts.
//!
//! A channel without a flag is open to everybody, so a shop that sets none is open everywhere.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Channel, Label, UserId};

/// Whom a channel is open to: hosts of these cohorts, and so many of a hundred of all others. Nobody, if it says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cohorts: BTreeSet<Label>,
    /// Who is in at 10 is in at 20 as well.
    #[serde(default)]
    pub percent: u8,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rollout {
    flags: BTreeMap<Channel, Reach>,
    /// Hosts that are in any.
    cohorts: BTreeMap<UserId, BTreeSet<Label>>,
    /// How often it was changed.
    revision: u64,
}

/// Every channel there is.
const CHANNELS: [Channel; 3] = [Channel::Web, Channel::Ios, Channel::Android];

impl Rollout {
    pub const fn flags(&self) -> &BTreeMap<Channel, Reach> {
        &self.flags
    }

    pub const fn revision(&self) -> u64 {
        self.revision
    }

    pub fn cohorts_of(&self, host: UserId) -> impl Iterator<Item = &Label> {
        self.cohorts.get(&host).into_iter().flatten()
    }

    /// Nobody is kept out of anything.
    pub fn is_open_to_all(&self) -> bool {
        self.flags.is_empty()
    }

    pub fn reaches(&self, host: UserId, channel: Channel) -> bool {
        let Some(reach) = self.flags.get(&channel) else {
            return true;
        };
        place(host) < reach.percent || self.cohorts_of(host).any(|cohort| reach.cohorts.contains(cohort))
    }

    /// Where a host may sell.
    pub fn channels_of(&self, host: UserId) -> impl Iterator<Item = Channel> {
        CHANNELS.into_iter().filter(move |channel| self.reaches(host, *channel))
    }

    pub(super) fn change(&mut self, flags: BTreeMap<Channel, Reach>) {
        self.flags = flags;
        self.revision = self.revision.saturating_add(1);
    }

    pub(super) fn assign(&mut self, host: UserId, cohorts: BTreeSet<Label>) {
        if cohorts.is_empty() {
            self.cohorts.remove(&host);
        } else {
            self.cohorts.insert(host, cohorts);
        }
        self.revision = self.revision.saturating_add(1);
    }
}

/// A host's place among a hundred: always the same, and as good as chance.
fn place(host: UserId) -> u8 {
    let digest = Sha256::digest(host.as_uuid().as_bytes());
    let mut first = [0; 4];
    first.copy_from_slice(&digest[..4]);
    let place = u32::from_be_bytes(first).checked_rem(100).unwrap_or(0);
    u8::try_from(place).unwrap_or(0)
}
