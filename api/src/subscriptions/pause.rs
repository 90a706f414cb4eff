//! `POST /v1/subscriptions/{subscription}/pause`

use axum::extract::State;
use domain::SubscriptionId;

use super::subscription::SubscriptionBody;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Deliver nothing until it is resumed; nothing is lost: for admins
#[utoipa::path(post, path = "/v1/subscriptions/{subscription}/pause", tag = "subscriptions",
    params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = SubscriptionBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn pause_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    _: NoBody,
) -> Result<Written<SubscriptionBody>, ApiError> {
    caller.require_admin()?;
    SubscriptionBody::changed(&state, state.webhooks.pause(id).await?).await
}
