//! `GET /v1/subscriptions/{subscription}`

use axum::extract::State;
use domain::SubscriptionId;

use super::subscription::SubscriptionBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::{ApiError, ApiState};

/// A subscription, and how far it is behind: for admins
#[utoipa::path(get, path = "/v1/subscriptions/{subscription}", tag = "subscriptions",
    params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = SubscriptionBody),
    (status = 304, description = "As it was."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    known: IfNoneMatch,
) -> Result<One<SubscriptionBody>, ApiError> {
    caller.require_admin()?;
    let subscription = state.webhooks.find(id).await?.ok_or(ApiError::NotFound)?;
    Ok(One::new(SubscriptionBody::of(&state, subscription).await?, known))
}
