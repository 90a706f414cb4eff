//! `DELETE /v1/subscriptions/{subscription}`

use axum::extract::State;
use domain::SubscriptionId;
use http::StatusCode;

use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Tell a system nothing any more, and forget its secret: for admins
#[utoipa::path(delete, path = "/v1/subscriptions/{subscription}", tag = "subscriptions",
    params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "It is gone."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn delete_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    caller.require_admin()?;
    if state.webhooks.delete(id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}
