//! What can go wrong while views are written, read and rebuilt.

use std::fmt::Write as _;
use std::time::Duration;

use domain::Currency;
use event_log::SubscriberError;
use thiserror::Error;

use crate::{UnknownWord, View};

/// A read that failed.
#[derive(Debug, Error)]
pub enum QueryError {
    #[error("query a view")]
    Database(#[from] sqlx::Error),
    /// A row that no version of this code writes.
    #[error("row {id} of {table} has an impossible {column}")]
    InconsistentRow {
        table: &'static str,
        column: &'static str,
        id: String,
    },
}

/// A page that could not be written into a view.
#[derive(Debug, Error)]
pub enum ApplyError {
    #[error("write a view")]
    Database(#[from] sqlx::Error),
    #[error("encode a column of a view")]
    Encode(#[from] serde_json::Error),
    /// A row that no version of this code writes.
    #[error("read a row of a view")]
    Word(#[from] UnknownWord),
    /// The history lacks an event that this one rests on.
    #[error("the event at {position} rests on an unknown {what}")]
    MissingFact { position: u64, what: &'static str },
    #[error("the transaction at {position} is {imbalance_minor} {currency} out of balance")]
    Unbalanced {
        position: u64,
        currency: Currency,
        imbalance_minor: i128,
    },
    /// The tables belong to another version of the view: a rebuild by newer code has replaced them.
    #[error("{view} has tables of version {found}, this process writes version {expected}")]
    ForeignVersion { view: View, found: i32, expected: i32 },
}

impl From<ApplyError> for SubscriberError {
    fn from(error: ApplyError) -> Self {
        Self::new(error)
    }
}

/// The views could not be started or listed.
#[derive(Debug, Error)]
pub enum ProjectionError {
    #[error("prepare the tables of {view}")]
    Prepare {
        view: View,
        #[source]
        source: sqlx::Error,
    },
    #[error("bring {view} to its current version")]
    Upgrade {
        view: View,
        #[source]
        source: Box<RebuildError>,
    },
    #[error("read the checkpoints")]
    Checkpoints(#[from] sqlx::Error),
}

/// A rebuild that did not happen. The live view is as it was.
#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("another rebuild of {0} is running")]
    AlreadyRunning(View),
    #[error("rebuild: database")]
    Database(#[from] sqlx::Error),
    #[error("rebuild: read the log")]
    Log(#[from] event_log::ReadError),
    #[error("rebuild: read the log from its beginning")]
    Replay(#[from] event_log::replay::ReplayError),
    #[error("the new {view} stayed at position {position} for {}", format_seconds(*.limit))]
    Stalled { view: View, position: u64, limit: Duration },
    #[error("the new {view} stopped: {reason}")]
    Stopped { view: View, reason: String },
}

fn format_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
