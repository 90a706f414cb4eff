//! `POST /v1/me/payout_account`

use axum::extract::State;
use domain::{Payout, PayoutCommand};
use payments::{OpenAccount, PayoutAccount, ProviderError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, JsonBody};
use crate::{ApiError, ApiState};

const URL_CHARS_MAX: usize = 2_000;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutAccountRequest {
    /// Where the provider sends the host's browser afterwards.
    #[schema(max_length = 2000)]
    return_url: String,
}

impl PayoutAccountRequest {
    fn checked(self) -> Result<String, ApiError> {
        let url = self.return_url;
        let is_url = (url.starts_with("https://") || url.starts_with("http://"))
            && url.len() <= URL_CHARS_MAX
            && url.bytes().all(|byte| byte.is_ascii_graphic());
        let mut fields = Fields::default();
        fields.check(
            is_url,
            "/return_url",
            "must be an http or https URL of at most 2000 characters",
        );
        fields.finish()?;
        Ok(url)
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutAccount)]
pub(crate) struct PayoutAccountBody {
    /// It is the host's payout destination from now on.
    destination: String,
    /// Where the host tells the provider what it still wants to know. Good for minutes, once: ask again for another.
    #[serde(skip_serializing_if = "Option::is_none")]
    onboarding_url: Option<String>,
    /// Whether payouts to it are taken.
    is_ready: bool,
}

/// Open an account for payouts with the payment provider, or go on with the one there is
#[utoipa::path(post, path = "/v1/me/payout_account", tag = "hosts", request_body = PayoutAccountRequest,
    security(("bearer" = [])), responses(
    (status = 200, body = PayoutAccountBody),
    (status = 503, description = "`provider_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn open_payout_account(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<PayoutAccountRequest>,
) -> Result<Written<PayoutAccountBody>, ApiError> {
    let return_url = body.checked()?;
    let (host, accounts) = (caller.user_id, &state.aggregates.payouts);
    let known = |account: &Payout| account.destination().map(str::to_owned);
    let (existing, _) = accounts.read(host.as_uuid(), known).await?;
    let request = OpenAccount {
        host,
        existing,
        return_url,
    };
    let PayoutAccount {
        destination,
        onboarding_url,
        is_ready,
    } = state.provider.open_account(request).await.map_err(unavailable)?;
    let link = PayoutCommand::LinkDestination {
        destination: destination.clone(),
        at: state.now(),
    };
    let linked = accounts.execute(host.as_uuid(), link, caller.metadata()).await?;
    let body = PayoutAccountBody {
        destination,
        onboarding_url,
        is_ready,
    };
    Ok(Written::changed(linked.position, body))
}

/// The host has done nothing that could be refused: what the provider says no to is the operator's.
fn unavailable(error: ProviderError) -> ApiError {
    ApiError::ProviderUnavailable(Box::new(error))
}
