//! `PATCH /v1/subscriptions/{subscription}`

use axum::extract::State;
use domain::SubscriptionId;
use outbound::webhooks::Change;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subscription::{SubscriptionBody, check_description, check_event_types, check_url};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, JsonBody};
use crate::{ApiError, ApiState};

/// What is absent stays as it was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionRevision {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    description: Option<String>,
    /// None means all.
    #[serde(default)]
    event_types: Option<Vec<String>>,
}

impl SubscriptionRevision {
    fn into_change(self, state: &ApiState) -> Result<Change, ApiError> {
        let mut fields = Fields::default();
        if let Some(url) = &self.url {
            check_url(&mut fields, state, url);
        }
        if let Some(description) = &self.description {
            check_description(&mut fields, description);
        }
        if let Some(event_types) = &self.event_types {
            check_event_types(&mut fields, event_types);
        }
        fields.finish()?;
        Ok(Change {
            url: self.url,
            description: self.description,
            event_types: self.event_types,
        })
    }
}

/// Change where a subscription leads, or what it is told from here on: for admins
#[utoipa::path(patch, path = "/v1/subscriptions/{subscription}", tag = "subscriptions",
    request_body = SubscriptionRevision, params(("subscription" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = SubscriptionBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn revise_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    JsonBody(body): JsonBody<SubscriptionRevision>,
) -> Result<Written<SubscriptionBody>, ApiError> {
    caller.require_admin()?;
    let change = body.into_change(&state)?;
    let subscription = state.webhooks.change(id, &change).await?;
    SubscriptionBody::changed(&state, subscription).await
}
