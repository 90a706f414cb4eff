//! What can go wrong between a command and its decision.

use thiserror::Error;

use crate::{AppendError, ReadError};

#[derive(Debug, Error)]
pub(crate) enum HotError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is stored cannot be read, or what was decided cannot be stored.
    #[error("{0}")]
    Corrupt(String),
}
