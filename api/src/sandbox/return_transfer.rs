//! `POST /sandbox/transfers/{payout}/return`: a payout that was paid comes back.

use axum::extract::State;
use domain::PayoutId;
use http::StatusCode;
use payments::sandbox::ReturnTransferError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::sandbox_of_admin;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, JsonBody};
use crate::{ApiError, ApiState};

const REASON_CHARS_MAX: usize = 200;

/// Why the host's bank sends the money back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnTransferRequest {
    #[serde(default = "default_reason")]
    #[schema(max_length = 200)]
    reason: String,
}

fn default_reason() -> String {
    "account_closed".to_owned()
}

impl ReturnTransferRequest {
    fn checked(self) -> Result<String, ApiError> {
        let is_word = self.reason.len() <= REASON_CHARS_MAX && self.reason.bytes().all(|byte| byte.is_ascii_graphic());
        let mut fields = Fields::default();
        fields.check(
            is_word,
            "/reason",
            format!("must have at most {REASON_CHARS_MAX} visible ASCII characters"),
        );
        fields.finish()?;
        Ok(self.reason)
    }
}

/// Have a payout that was paid come back in the sandbox, all of it: for admins. Once more changes nothing
#[utoipa::path(post, path = "/sandbox/transfers/{payout}/return", tag = "sandbox", request_body = ReturnTransferRequest,
    params(("payout" = Uuid, Path, description = "The payout's `id`")),
    security(("bearer" = [])), responses(
    (status = 204, description = "It comes back."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: it was not paid", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn return_transfer(
    State(state): State<ApiState>,
    caller: Caller,
    Id(payout): Id<PayoutId>,
    JsonBody(body): JsonBody<ReturnTransferRequest>,
) -> Result<StatusCode, ApiError> {
    let sandbox = sandbox_of_admin(&state, &caller)?;
    let reason = body.checked()?;
    let returned = sandbox.return_transfer(payout, &reason).await;
    returned.map_err(|error| match error {
        ReturnTransferError::Unknown => ApiError::NotFound,
        ReturnTransferError::NotPaid => ApiError::IntentSettled { state: "not paid" },
        ReturnTransferError::Unavailable(source) => ApiError::ProviderUnavailable(source),
    })?;
    Ok(StatusCode::NO_CONTENT)
}
