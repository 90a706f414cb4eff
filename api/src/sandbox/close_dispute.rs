//! `POST /sandbox/disputes/{ref}/close`: the bank decides.

use axum::extract::State;
use http::StatusCode;
use payments::sandbox::CloseDisputeError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::sandbox_of_admin;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DisputeOutcome {
    Won,
    Lost,
}

/// What the buyer's bank decides; `won` means for the shop.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseDisputeRequest {
    outcome: DisputeOutcome,
}

/// Have the bank decide a dispute in the sandbox: for admins. The same decision again changes nothing
#[utoipa::path(post, path = "/sandbox/disputes/{ref}/close", tag = "sandbox", request_body = CloseDisputeRequest,
    params(("ref" = String, Path, description = "The dispute's `dispute_ref`")),
    security(("bearer" = [])), responses(
    (status = 204, description = "It is decided."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: it was decided otherwise", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn close_dispute(
    State(state): State<ApiState>,
    caller: Caller,
    Id(dispute_ref): Id<String>,
    JsonBody(body): JsonBody<CloseDisputeRequest>,
) -> Result<StatusCode, ApiError> {
    let sandbox = sandbox_of_admin(&state, &caller)?;
    let is_won = body.outcome == DisputeOutcome::Won;
    let closed = sandbox.close_dispute(&dispute_ref, is_won).await;
    closed.map_err(|error| match error {
        CloseDisputeError::Unknown => ApiError::NotFound,
        CloseDisputeError::Closed => ApiError::IntentSettled {
            state: if is_won { "lost" } else { "won" },
        },
        CloseDisputeError::Unavailable(source) => ApiError::ProviderUnavailable(source),
    })?;
    Ok(StatusCode::NO_CONTENT)
}
