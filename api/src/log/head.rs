//! `GET /v1/log/head`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::checkpoint::CheckpointBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Query, hex};
use crate::{ApiError, ApiState};

/// The end of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogHead)]
pub(crate) struct LogHeadBody {
    /// 0 before the first event.
    position: u64,
    /// Hex SHA-256: the chain's value there.
    hash: String,
    /// The newest that the notary has signed; null before the first.
    checkpoint: Option<CheckpointBody>,
    /// What checkpoints and receipts are verified with. Whoever wants to be sure of the shop has it from elsewhere.
    verifier_key: String,
}

/// Where the log ends, and how far it is notarised
#[utoipa::path(get, path = "/v1/log/head", tag = "log", security(("bearer" = [])), responses(
    (status = 200, body = LogHeadBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_head(
    State(state): State<ApiState>,
    caller: Caller,
    Query(()): Query<()>,
    known: IfNoneMatch,
) -> Result<One<LogHeadBody>, ApiError> {
    caller.require_log_reader()?;
    // In this order, so that the checkpoint is never of more than the log.
    let checkpoint = state.notary.latest().await?.map(CheckpointBody::from);
    let head = state.log.head().await?;
    let body = LogHeadBody {
        position: head.position,
        hash: hex(&head.hash),
        checkpoint,
        verifier_key: state.notary.verifier().to_string(),
    };
    Ok(One::new(body, known))
}
