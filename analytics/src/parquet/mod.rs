//! The log as Parquet files: a folder for each day and event type, one column for each field.
//!
//! Invariants: a file that is there is whole; what is exported again is written over by the same, so a crash leaves neither a
//! gap nor an event twice; money is whole minor units and a currency, time is microseconds in UTC, nothing is a float.

mod export;
mod folder;
mod part;
mod payload;
mod rows;

pub use export::{ExportPlan, ExportReport, export};
use thiserror::Error;

/// Why an export stopped. What it has finished stays, and the next one goes on behind it.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error("the folder {0} is being exported into by another process")]
    Busy(String),
    #[error("the folder holds positions up to {reached}: it goes on behind that, and not with --from {asked}")]
    From { reached: u64, asked: u64 },
    #[error("the log does not hold the event at position {0} that the folder ends with: export into another folder")]
    Forked(u64),
    #[error("the event at position {position} is none that this program knows: {reason}")]
    Unknown { position: u64, reason: String },
    #[error("{path}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("write Parquet")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[error("read the log")]
    Replay(#[from] event_log::replay::ReplayError),
    #[error("read the log")]
    Read(#[from] event_log::ReadError),
    #[error("a writer of files panicked")]
    Panicked,
}
