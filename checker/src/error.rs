//! Why a log could not be judged at all.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum CheckError {
    #[error("read the log")]
    Database(#[from] sqlx::Error),
    #[error("PostgreSQL sent what is no binary COPY: {0}")]
    Copy(&'static str),
    #[error("read {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("line {line} of {path} is no acknowledgement")]
    Line {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}
