//! `POST /sandbox/next_payment`: how the next payment goes, whatever its buyer does.

use axum::extract::State;
use http::StatusCode;
use payments::sandbox::Card;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::confirm::DECLINE_REASON;
use super::operator::sandbox_of_admin;
use crate::error::ProblemBody;
use crate::extract::{Caller, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NextOutcome {
    Decline,
    /// It stays pending, until it is confirmed once more or called off.
    Hang,
    /// It is captured, and disputed at once.
    Dispute,
}

/// How the next confirmed payment goes, whatever its buyer's card would do. Several are used in the order they came.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextPaymentRequest {
    outcome: NextOutcome,
}

/// Say how the next payment in the sandbox goes: for admins. Forgotten when the server restarts
#[utoipa::path(post, path = "/sandbox/next_payment", tag = "sandbox", request_body = NextPaymentRequest,
    security(("bearer" = [])), responses(
    (status = 204, description = "The next payment goes like this."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: the provider is not the sandbox", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`overloaded`: a hundred are waiting already", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn script_next_payment(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<NextPaymentRequest>,
) -> Result<StatusCode, ApiError> {
    let sandbox = sandbox_of_admin(&state, &caller)?;
    let card = match body.outcome {
        NextOutcome::Decline => Card::Declined {
            reason: DECLINE_REASON.to_owned(),
        },
        NextOutcome::Hang => Card::Hangs,
        NextOutcome::Dispute => Card::Disputed,
    };
    sandbox.script_next(card).map_err(|_| ApiError::Overloaded)?;
    Ok(StatusCode::NO_CONTENT)
}
