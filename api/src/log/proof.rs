//! `GET /v1/log/proofs/{position}`

use std::time::Duration;

use axum::extract::State;
use notary::{Inclusion, ProveError, SignedCheckpoint};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::checkpoint::CheckpointBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Id, Query, QueryParams, hex, take_position};
use crate::{ApiError, ApiState};

/// How long a proof waits for a checkpoint that is about to be signed.
pub(crate) const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(2);

/// That an event is in the log of a checkpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InclusionProof)]
pub(crate) struct ProofBody {
    position: u64,
    /// Hex SHA-256: the leaf of the tree that the event is.
    leaf_hash: String,
    /// The inclusion proof of RFC 6962: hashes from the leaf's sibling up, in hex.
    proof: Vec<String>,
    checkpoint: CheckpointBody,
}

impl From<Inclusion> for ProofBody {
    fn from(inclusion: Inclusion) -> Self {
        Self {
            position: inclusion.position,
            leaf_hash: hex(&inclusion.leaf),
            proof: inclusion.proof.iter().map(|hash| hex(hash)).collect(),
            checkpoint: inclusion.checkpoint.into(),
        }
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofQuery {
    /// The size of the checkpoint to prove it against; the newest, if absent.
    size: Option<u64>,
}

impl FromQuery for ProofQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            size: take_position(parameters, "size"),
        }
    }
}

/// Proof that an event is in the log of a checkpoint
#[utoipa::path(get, path = "/v1/log/proofs/{position}", tag = "log", params(("position" = u64, Path), ProofQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = ProofBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: the log has no such position", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`: no checkpoint of that size is kept, or it is too small", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`: no checkpoint reaches so far yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_proof(
    State(state): State<ApiState>,
    caller: Caller,
    Id(position): Id<u64>,
    Query(query): Query<ProofQuery>,
    known: IfNoneMatch,
) -> Result<One<ProofBody>, ApiError> {
    caller.require_log_reader()?;
    let checkpoint = match query.size {
        Some(size) => kept(&state, size, position).await?,
        None => covering(&state, position).await?,
    };
    let inclusion = state.notary.inclusion(position, checkpoint).await?;
    Ok(One::new(inclusion.into(), known))
}

/// The newest checkpoint that has an event, which may be about to be signed.
pub(crate) async fn covering(state: &ApiState, position: u64) -> Result<SignedCheckpoint, ApiError> {
    if position == 0 || position > state.log.head().await?.position {
        return Err(ApiError::NotFound);
    }
    Ok(state.notary.covering(position, CHECKPOINT_WAIT_MAX).await?)
}

async fn kept(state: &ApiState, size: u64, position: u64) -> Result<SignedCheckpoint, ApiError> {
    if position == 0 {
        return Err(ApiError::NotFound);
    }
    if position > size {
        return Err(ApiError::invalid(
            "/query/size",
            "a log of that size ends before this position",
        ));
    }
    match state.notary.checkpoint(Some(size)).await {
        Err(ProveError::NoCheckpoint { .. }) => {
            Err(ApiError::invalid("/query/size", "no checkpoint of this size is kept"))
        }
        found => Ok(found?),
    }
}
