//! `GET /v1/host_terms`

use axum::extract::State;
use domain::TermsHash;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::{ApiError, ApiState};

/// The terms of hosting in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostTerms {
    pub sha256: TermsHash,
    /// If boxoffice has more than its hash.
    pub text: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HostTerms)]
pub(crate) struct TermsBody {
    /// What a host accepts with their application.
    sha256: String,
    /// Null where the shop shows it elsewhere.
    text: Option<String>,
}

/// The terms of hosting in force
#[utoipa::path(get, path = "/v1/host_terms", tag = "hosts", responses(
    (status = 200, body = TermsBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: the shop has none", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_host_terms(
    State(state): State<ApiState>,
    known: IfNoneMatch,
) -> Result<One<TermsBody>, ApiError> {
    let terms = state.host_terms.as_ref().ok_or(ApiError::NotFound)?;
    let body = TermsBody {
        sha256: terms.sha256.to_string(),
        text: terms.text.clone(),
    };
    Ok(One::new(body, known))
}
