//! What the notary has found wrong with the log.

use thiserror::Error;

/// Why nothing is signed any more: the log is not what was signed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Alarm {
    /// A backup was restored, a standby promoted that had not received everything, or the end was cut off.
    #[error(
        "the log ends at position {end}, but the checkpoint {place} is of {size} events: those behind position {end} are lost"
    )]
    Shrunk { end: u64, size: u64, place: String },
    /// The stored event is another one than the one that was notarised.
    #[error("the event at position {position} is not the one that was notarised: the log was changed")]
    Changed { position: u64 },
    #[error("the event at position {position} is missing: the log was changed")]
    Missing { position: u64 },
    #[error("the event at position {position} does not follow by its hash from the one before it: the log was changed")]
    Broken { position: u64 },
    /// Which event is the first to differ cannot be told: the tree of before is gone.
    #[error(
        "the first {size} events are not those of the checkpoint {place}: the log was changed behind position {after}"
    )]
    Forked { after: u64, size: u64, place: String },
}

impl Alarm {
    /// The first position that is wrong, as far as it can be told.
    pub const fn position(&self) -> u64 {
        match self {
            Self::Shrunk { end, .. } => *end + 1,
            Self::Changed { position } | Self::Missing { position } | Self::Broken { position } => *position,
            Self::Forked { after, .. } => *after + 1,
        }
    }
}
