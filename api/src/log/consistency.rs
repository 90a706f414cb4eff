//! `GET /v1/log/consistency`

use axum::extract::State;
use notary::{Consistency, ProveError};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Query, QueryParams, hex, take_position};
use crate::{ApiError, ApiState};

/// That the log only grew: what it was is the beginning of what it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsistencyProof)]
pub(crate) struct ConsistencyBody {
    from: u64,
    /// Hex SHA-256: the root of the tree of the first `from` events, and of the first `to`.
    from_root: String,
    to: u64,
    to_root: String,
    /// The consistency proof of RFC 6962, in hex.
    proof: Vec<String>,
}

impl From<Consistency> for ConsistencyBody {
    fn from(consistency: Consistency) -> Self {
        Self {
            from: consistency.old_size,
            from_root: hex(&consistency.old_root),
            to: consistency.new_size,
            to_root: hex(&consistency.new_root),
            proof: consistency.proof.iter().map(|hash| hex(hash)).collect(),
        }
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyQuery {
    /// The smaller size.
    from: u64,
    /// The larger one: that of the newest checkpoint, if absent.
    to: Option<u64>,
}

impl FromQuery for ConsistencyQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        let from = take_position(parameters, "from");
        if from.is_none() {
            parameters.refuse("from", "a size is needed");
        }
        Self {
            from: from.unwrap_or(0),
            to: take_position(parameters, "to"),
        }
    }
}

/// Proof that the log of one size is the beginning of the log of another
#[utoipa::path(get, path = "/v1/log/consistency", tag = "log", params(ConsistencyQuery), security(("bearer" = [])), responses(
    (status = 200, body = ConsistencyBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`: beyond the newest checkpoint, or the wrong way round", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_consistency(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<ConsistencyQuery>,
    known: IfNoneMatch,
) -> Result<One<ConsistencyBody>, ApiError> {
    caller.require_log_reader()?;
    let to = match query.to {
        Some(to) => to,
        None => state.notary.latest().await?.map_or(0, |latest| latest.size),
    };
    if query.from > to {
        let detail = format!("must not be more than {to}, which it is compared with");
        return Err(ApiError::invalid("/query/from", detail));
    }
    match state.notary.consistency(query.from, to).await {
        Err(ProveError::NotYet { size }) => {
            let detail = format!("is beyond the newest checkpoint, which is of {size} events");
            Err(ApiError::invalid("/query/to", detail))
        }
        found => Ok(One::new(found?.into(), known)),
    }
}
