//! `POST /v1/me/payouts`

use axum::extract::State;
use domain::payout::RequestPayout;
use domain::{Currency, Fingerprint, PayoutCommand, PayoutId};
use projections::View;
use projections::earnings::find_payout;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::payout::PayoutBody;
use crate::answer::{ReadBack, Written};
use crate::error::FieldError;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, IdempotencyKey, JsonBody, fingerprint};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

const PATH: &str = "/v1/me/payouts";

/// All that is available in a currency, or an amount.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutRequest {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    #[serde(default)]
    amount: Option<MoneyBody>,
}

impl PayoutRequest {
    fn currency(&self) -> Result<Currency, ApiError> {
        let mut fields = Fields::default();
        let is_positive = self.amount.is_none_or(|amount| amount.amount_minor > 0);
        fields.check(is_positive, "/amount/amount_minor", "must be positive");
        let of_amount = self.amount.map(|amount| amount.currency);
        let agree = self.currency.is_none() || of_amount.is_none() || self.currency == of_amount;
        fields.check(agree, "/currency", "must be the currency of the amount");
        fields.finish()?;
        let missing = || FieldError::new("/currency", "a currency or an amount is needed");
        self.currency
            .or(of_amount)
            .ok_or_else(|| ApiError::InvalidFields(vec![missing()]))
    }

    fn into_command(self, state: &ApiState, id: PayoutId, request: Fingerprint) -> Result<PayoutCommand, ApiError> {
        Ok(PayoutCommand::RequestPayout(RequestPayout {
            payout_id: id,
            currency: self.currency()?,
            amount: self.amount.map(Into::into),
            minimum_minor: state.preset.payout_min_minor,
            provider: state.provider.name().to_owned(),
            request,
            at: state.now(),
        }))
    }
}

/// Ask for a payout
#[utoipa::path(post, path = "/v1/me/payouts", tag = "earnings", request_body = PayoutRequest,
    params(("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 202, body = PayoutBody),
    (status = 403, description = "`host_not_approved` · `host_suspended`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`no_payout_destination` · `below_minimum_payout` · `insufficient_balance`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn request_payout(
    State(state): State<ApiState>,
    caller: Caller,
    key: IdempotencyKey,
    JsonBody(body): JsonBody<PayoutRequest>,
) -> Result<Written<ReadBack<PayoutBody>>, ApiError> {
    let id = PayoutId::from_uuid(key.id(caller.user_id, PATH));
    let request = fingerprint(PATH, &body)?;
    let command = body.into_command(&state, id, request)?;
    let accounts = &state.aggregates.payouts;
    let metadata = caller.keyed_metadata(&key);
    let position = accounts
        .execute(caller.user_id.as_uuid(), command, metadata)
        .await?
        .position;
    let read = async {
        let row = find_payout(&state.pool, id).await?;
        Ok::<_, ApiError>(row.map(PayoutBody::from))
    };
    let body = ReadBack::wait(&state, View::Earnings, position, id.as_uuid(), read).await;
    Ok(Written::accepted(position, body))
}
