//! What is said of a bundle in the end.

use std::fmt;

use serde::Serialize;

use crate::ArchiveError;
use crate::format::{Hash, HeadEntry};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every event is as it was recorded, as far as the bundle itself can tell and what it was compared with.
    Verified(Summary),
    Broken(Flaw),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Summary {
    pub events: u64,
    pub head: HeadEntry,
    /// `None` if no checkpoint could be held against it.
    pub vouched: Option<Vouched>,
}

/// What vouches for the events of a bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Vouched {
    /// The last checkpoint: so many events are what was signed.
    pub size: u64,
    pub root: Hash,
    /// The name and the id of the key that signed.
    pub origin: String,
    pub key_id: String,
    /// The key was given, and not taken from the bundle.
    pub key_was_given: bool,
    /// How many checkpoints agree.
    pub checkpoints: u64,
}

/// The first thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Flaw {
    /// The first position that is not as it was recorded; `None` where every event is, and something else of the bundle is not.
    pub position: Option<u64>,
    /// The first wrong position is somewhere from `position` to here, where it cannot be told exactly.
    pub up_to: Option<u64>,
    pub reason: String,
}

impl Flaw {
    pub(crate) fn at(position: u64, reason: impl Into<String>) -> Self {
        Self {
            position: Some(position),
            up_to: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn between(first: u64, last: u64, reason: impl Into<String>) -> Self {
        Self {
            position: Some(first),
            up_to: Some(last).filter(|last| *last > first),
            reason: reason.into(),
        }
    }

    pub(crate) fn beside(reason: impl Into<String>) -> Self {
        Self {
            position: None,
            up_to: None,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.position, self.up_to) {
            (Some(position), None) => write!(f, "at position {position}: {}", self.reason),
            (Some(first), Some(last)) => write!(f, "between positions {first} and {last}: {}", self.reason),
            (None, _) => f.write_str(&self.reason),
        }
    }
}

/// What ends the work on a bundle: the verdict, or that there is none.
pub(super) enum Trouble {
    Flaw(Flaw),
    Archive(ArchiveError),
}

impl From<Flaw> for Trouble {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}
