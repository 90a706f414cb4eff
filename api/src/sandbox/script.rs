//! `POST /sandbox/next_payment`, `POST /sandbox/disputes` and `POST /sandbox/disputes/{ref}/close`: an operator's stage
//! directions.

use axum::extract::State;
use http::StatusCode;
use payments::sandbox::{Card, CloseDisputeError, OpenDisputeError, Sandbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::confirm::DECLINE_REASON;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

pub(super) fn sandbox_of_admin<'a>(state: &'a ApiState, caller: &Caller) -> Result<&'a Sandbox, ApiError> {
    caller.require_admin()?;
    state.sandbox.as_deref().ok_or(ApiError::NotFound)
}

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
