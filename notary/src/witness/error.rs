//! Why a witness has not cosigned.

use reqwest::StatusCode;
use thiserror::Error;

use crate::keeper::ProveError;
use crate::publish::PublishError;

#[derive(Debug, Error)]
pub(crate) enum WitnessError {
    #[error(transparent)]
    Unanswered(#[from] PublishError),
    #[error("it answered {0}")]
    Status(StatusCode),
    /// It has cosigned what this log never was, or is no more.
    #[error("it has cosigned another log of the same name, of {size} events")]
    Contradicts { size: u64 },
    #[error("its answer has no cosignature by its key")]
    NoCosignature,
    #[error("the proof for it")]
    Proof(#[from] ProveError),
}
