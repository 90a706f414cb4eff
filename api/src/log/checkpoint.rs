//! A checkpoint, as the API shows it.

use notary::{ProveError, SignedCheckpoint, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiError;
use crate::extract::{Moment, hex};

/// What the log was at a size, signed by its notary.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkpoint)]
pub(crate) struct CheckpointBody {
    /// Of how many events: the position of the last one.
    pub(crate) size: u64,
    /// Hex SHA-256: the root of the Merkle tree (RFC 6962) of all events up to there.
    root: String,
    /// Hex SHA-256: the chain's value at that position.
    hash: String,
    pub(crate) signed_at: Moment,
    /// The signed note (C2SP `tlog-checkpoint`) with the signatures of the notary and of witnesses.
    pub(crate) note: String,
}

impl From<SignedCheckpoint> for CheckpointBody {
    fn from(signed: SignedCheckpoint) -> Self {
        Self {
            size: signed.size,
            root: hex(&signed.root),
            hash: hex(&signed.chain_hash),
            signed_at: signed.signed_at.into(),
            note: signed.note,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(source) => source.into(),
            StoreError::TimedOut => Self::LogUnavailable(Box::new(error)),
            StoreError::InconsistentRow { .. } => Self::Internal(Box::new(error)),
        }
    }
}

impl From<ProveError> for ApiError {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Store(source) => source.into(),
            ProveError::NotYet { .. } => Self::ProjectionBehind,
            ProveError::NoCheckpoint { .. } => Self::NotFound,
            ProveError::Damaged(_) | ProveError::Missing => Self::Internal(Box::new(error)),
        }
    }
}
