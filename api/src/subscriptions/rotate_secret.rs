//! `POST /v1/subscriptions/{subscription}/rotate_secret`

use axum::extract::State;
use domain::SubscriptionId;

use super::subscription::SecretBody;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// A new secret, shown this once. For a day deliveries carry a signature of the old one as well: for admins
#[utoipa::path(post, path = "/v1/subscriptions/{subscription}/rotate_secret", tag = "subscriptions",
    params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = SecretBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn rotate_subscription_secret(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    _: NoBody,
) -> Result<Written<SecretBody>, ApiError> {
    caller.require_admin()?;
    let secret = state.webhooks.rotate(id).await?.ok_or(ApiError::NotFound)?.reveal();
    Ok(Written::changed(state.durable_position(), SecretBody { secret }))
}
