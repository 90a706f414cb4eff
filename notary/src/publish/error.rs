//! What can go wrong with a place.

use std::io;

use reqwest::StatusCode;
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum PublishError {
    #[error("{0}")]
    Unusable(String),
    #[error("the directory: {0}")]
    File(#[from] io::Error),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("was not reached: {0}")]
    Unanswered(String),
    #[error("answers with more than a checkpoint")]
    TooLong,
}
