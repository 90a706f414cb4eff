//! `POST /v1/subscriptions`

use axum::extract::State;
use domain::SubscriptionId;
use outbound::webhooks::NewSubscription;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subscription::{SubscriptionBody, check_description, check_event_types, check_url};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionRequest {
    /// `https`, and not in a private network unless the operator allows it.
    url: String,
    #[serde(default)]
    description: String,
    /// Which events, by their type as the log has it; none means all.
    #[serde(default)]
    event_types: Vec<String>,
    /// It is told what comes after this log position; from now on, if absent.
    #[serde(default)]
    after: Option<u64>,
}

/// A new subscription, with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewSubscription)]
pub(crate) struct NewSubscriptionBody {
    #[serde(flatten)]
    subscription: SubscriptionBody,
    /// Shown this once: what deliveries are signed with.
    secret: String,
}

impl SubscriptionRequest {
    fn into_new(self, state: &ApiState) -> Result<NewSubscription, ApiError> {
        let mut fields = Fields::default();
        check_url(&mut fields, state, &self.url);
        check_description(&mut fields, &self.description);
        check_event_types(&mut fields, &self.event_types);
        let end = state.durable_position();
        let position = self.after.unwrap_or(end);
        fields.check(
            position <= end,
            "/after",
            format!("must be 0 to {end}, the end of the log"),
        );
        fields.finish()?;
        Ok(NewSubscription {
            id: SubscriptionId::from_uuid(state.new_uuid()),
            url: self.url,
            description: self.description,
            event_types: self.event_types,
            position,
            at: state.now(),
        })
    }
}

/// Have a system of the shop's own told what happens (Standard Webhooks): for admins
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions", request_body = SubscriptionRequest,
    security(("bearer" = [])), responses(
    (status = 201, body = NewSubscriptionBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`subscription_limit_reached`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn create_subscription(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<SubscriptionRequest>,
) -> Result<Written<NewSubscriptionBody>, ApiError> {
    caller.require_admin()?;
    let new = body.into_new(&state)?;
    let (subscription, secret) = state.webhooks.create(&new).await?;
    let location = format!("/v1/subscriptions/{}", subscription.id);
    let body = NewSubscriptionBody {
        subscription: SubscriptionBody::of(&state, subscription).await?,
        secret: secret.reveal(),
    };
    Ok(Written::created(location, state.durable_position(), body))
}
