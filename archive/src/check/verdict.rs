//! What is said of a bundle in the end.

use std::fmt;

use serde::Serialize;

use crate::format::HeadEntry;

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
}

/// The first thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Flaw {
    /// The first position that is not as it was recorded; `None` where every event is, and something else of the bundle is not.
    pub position: Option<u64>,
    pub reason: String,
}

impl Flaw {
    pub(crate) fn at(position: u64, reason: impl Into<String>) -> Self {
        Self {
            position: Some(position),
            reason: reason.into(),
        }
    }

    pub(crate) fn beside(reason: impl Into<String>) -> Self {
        Self {
            position: None,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "at position {position}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}
