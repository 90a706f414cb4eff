//! `POST /v1/subscriptions/{subscription}/rewind`

use axum::extract::State;
use domain::SubscriptionId;
use outbound::webhooks::{RewindError, Rewound};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subscription::SubscriptionBody;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewindRequest {
    /// What comes after this log position is delivered: 0 to the end of the log.
    position: u64,
}

/// Deliver again what comes after a position, or skip what comes before it. A paused subscription stays paused: for admins
#[utoipa::path(post, path = "/v1/subscriptions/{subscription}/rewind", tag = "subscriptions",
    request_body = RewindRequest, params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = SubscriptionBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn rewind_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    JsonBody(body): JsonBody<RewindRequest>,
) -> Result<Written<SubscriptionBody>, ApiError> {
    caller.require_admin()?;
    match state.webhooks.rewind(id, body.position).await {
        Ok(Rewound::Done(subscription)) => SubscriptionBody::changed(&state, Some(*subscription)).await,
        Ok(Rewound::BeyondTheEnd) => Err(ApiError::invalid("/position", "is beyond the end of the log")),
        Ok(Rewound::Unknown) => Err(ApiError::NotFound),
        Err(RewindError::Store(error)) => Err(error.into()),
        Err(RewindError::Read(error)) => Err(error.into()),
    }
}
