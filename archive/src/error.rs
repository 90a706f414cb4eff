//! Why a bundle could not be made, judged or restored. That one is not as it should be is no error, but the verdict.

use std::io;
use std::path::{Path, PathBuf};

use event_log::ReadError;
use notary::{CheckpointError, StoreError};
use thiserror::Error;

use crate::check::Flaw;

#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error("{0} is there already: an export writes over nothing")]
    TargetExists(PathBuf),
    #[error("another export is writing {0} at this moment")]
    TargetBusy(PathBuf),
    #[error("{0} holds files that no export has left there: move it away")]
    ForeignDraft(PathBuf),
    #[error("the log has {head} events, and not {until}")]
    BeyondTheEnd { until: u64, head: u64 },
    /// Nothing that boxoffice has written: a line of a bundle could not hold it.
    #[error("the event at position {position} cannot be exported: {reason}")]
    Unwritable { position: u64, reason: &'static str },
    #[error("{path} is no bundle: {reason}")]
    NoBundle { path: PathBuf, reason: String },
    #[error("{what} {path}")]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("read the log")]
    Log(#[from] ReadError),
    #[error("read the checkpoints of the log")]
    Notary(#[from] StoreError),
    /// Of the one who verifies, and not of the bundle.
    #[error("hold the checkpoint that was given against the bundle")]
    Checkpoint(#[source] CheckpointError),
    #[error("a checkpoint was given, and no key to check it with: the bundle has none")]
    NoKey,
    #[error("the database")]
    Database(#[from] sqlx::Error),
    #[error("the database holds a log that ends at position {last}: a bundle is restored into an empty one")]
    NotEmpty { last: u64 },
    #[error(
        "{follower} has followed another log up to position {position} in this database: a bundle is restored into an empty one"
    )]
    InUse { follower: String, position: u64 },
    #[error("a server leads the log of this database: stop it first")]
    Led,
    #[error("the event at position {position} has a number or a time that PostgreSQL cannot hold")]
    Unstorable { position: u64 },
    /// Nothing was restored.
    #[error("the bundle is not as it should be: {0}")]
    Broken(Flaw),
    #[error("a part of the work panicked")]
    Panicked,
}

impl ArchiveError {
    pub(crate) fn file(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn no_bundle(path: &Path, reason: &impl ToString) -> Self {
        Self::NoBundle {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
