//! `POST /sandbox/disputes`: a buyer goes to the bank.

use axum::extract::State;
use http::StatusCode;
use payments::sandbox::OpenDisputeError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::sandbox_of_admin;
use crate::error::ProblemBody;
use crate::extract::{Caller, JsonBody};
use crate::{ApiError, ApiState};

/// A captured payment that its buyer goes to the bank about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenDisputeRequest {
    /// The payment's `provider_ref`
    payment_ref: String,
}

/// Have the bank dispute a captured payment in the sandbox: for admins. Once more changes nothing
#[utoipa::path(post, path = "/sandbox/disputes", tag = "sandbox", request_body = OpenDisputeRequest,
    security(("bearer" = [])), responses(
    (status = 204, description = "It is disputed, under the payment's reference with `dp_` in front instead of `pi_`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: it is not captured", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn open_dispute(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<OpenDisputeRequest>,
) -> Result<StatusCode, ApiError> {
    let sandbox = sandbox_of_admin(&state, &caller)?;
    let opened = sandbox.open_dispute(&body.payment_ref).await;
    opened.map_err(|error| match error {
        OpenDisputeError::Unknown => ApiError::NotFound,
        OpenDisputeError::NotCaptured => ApiError::IntentSettled { state: "not captured" },
        OpenDisputeError::Unavailable(source) => ApiError::ProviderUnavailable(source),
    })?;
    Ok(StatusCode::NO_CONTENT)
}
