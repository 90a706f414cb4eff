//! `POST /sandbox/intents/{ref}/confirm`

use axum::Json;
use axum::extract::State;
use payments::sandbox::{Card, ConfirmError, Confirmation, Delivery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ProblemBody;
use crate::extract::{Fields, Id, JsonBody};
use crate::tickets::intent_state;
use crate::{ApiError, ApiState};

pub(super) const DECLINE_REASON: &str = "card_declined";
const DELAY_MAX_MS: u64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CardName {
    #[default]
    Ok,
    Declined,
}

#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WebhookName {
    #[default]
    Once,
    Twice,
    Never,
}

/// How the buyer's card behaves, and what becomes of the webhook about it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmRequest {
    client_secret: String,
    #[serde(default)]
    card: CardName,
    #[serde(default)]
    webhook: WebhookName,
    /// How much later the webhook is sent.
    #[serde(default)]
    #[schema(maximum = 86_400_000)]
    delay_ms: u64,
}

impl ConfirmRequest {
    fn confirmation(&self) -> Result<Confirmation, ApiError> {
        let mut fields = Fields::default();
        let is_short = self.delay_ms <= DELAY_MAX_MS;
        fields.check(is_short, "/delay_ms", format!("must be at most {DELAY_MAX_MS}"));
        fields.finish()?;
        Ok(Confirmation {
            card: match self.card {
                CardName::Ok => Card::Ok,
                CardName::Declined => Card::Declined {
                    reason: DECLINE_REASON.to_owned(),
                },
            },
            webhook: match self.webhook {
                WebhookName::Once => Delivery::Once,
                WebhookName::Twice => Delivery::Twice,
                WebhookName::Never => Delivery::Never,
            },
            delay_ms: self.delay_ms,
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfirmedIntent)]
pub(crate) struct ConfirmedBody {
    provider_ref: String,
    /// `captured` or `declined`
    state: &'static str,
}

/// Confirm a payment in the sandbox, as the buyer's browser would at a provider. The `client_secret` is the key
#[utoipa::path(post, path = "/sandbox/intents/{ref}/confirm", tag = "sandbox", request_body = ConfirmRequest,
    params(("ref" = String, Path, description = "The payment's `provider_ref`")), responses(
    (status = 200, body = ConfirmedBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`: it has ended otherwise", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm_intent(
    State(state): State<ApiState>,
    Id(provider_ref): Id<String>,
    JsonBody(body): JsonBody<ConfirmRequest>,
) -> Result<Json<ConfirmedBody>, ApiError> {
    let sandbox = state.sandbox.as_ref().ok_or(ApiError::NotFound)?;
    let confirmation = body.confirmation()?;
    let confirmed = sandbox.confirm(&provider_ref, &body.client_secret, confirmation).await;
    let intent = confirmed.map_err(|error| match error {
        ConfirmError::Unknown => ApiError::NotFound,
        ConfirmError::Settled { state } => ApiError::IntentSettled {
            state: intent_state(&state),
        },
        ConfirmError::Unavailable(source) => ApiError::ProviderUnavailable(source),
    })?;
    Ok(Json(ConfirmedBody {
        state: intent_state(&intent.state),
        provider_ref: intent.provider_ref,
    }))
}
