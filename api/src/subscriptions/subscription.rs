//! A subscription as admins see it, and what its fields must satisfy.

use outbound::webhooks::Subscription;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Written;
use crate::extract::{Fields, Moment};
use crate::{ApiError, ApiState};

const DESCRIPTION_CHARS_MAX: usize = 200;
const EVENT_TYPES_MAX: usize = 64;
const EVENT_TYPE_LENGTH_MAX: usize = 64;

/// A system that is told what happens. The secret is not shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionBody {
    id: Uuid,
    url: String,
    description: String,
    /// Which events, by their type; none means all.
    event_types: Vec<String>,
    /// `active` or `paused`
    state: &'static str,
    /// `operator`: an admin wanted it; `failing`: nothing was taken for three days; `gone`: the receiver answered 410.
    paused_reason: Option<&'static str>,
    /// Everything up to this log position was taken by the receiver, or does not concern it.
    position: u64,
    lag: LagBody,
    /// Tries in a row that were in vain.
    failures: u32,
    failing_since: Option<Moment>,
    /// When it is tried again, after a failure.
    retry_at: Option<Moment>,
    last_error: Option<String>,
    /// When the receiver last took something.
    delivered_at: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
}

/// How far a receiver is behind the end of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionLag)]
pub(crate) struct LagBody {
    positions: u64,
    /// The age of the first event it has not passed.
    seconds: u64,
}

/// A secret, this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionSecret)]
pub(crate) struct SecretBody {
    /// `whsec_…`, as libraries for Standard Webhooks take it.
    pub(super) secret: String,
}

impl SubscriptionBody {
    pub(super) async fn of(state: &ApiState, subscription: Subscription) -> Result<Self, ApiError> {
        let lag = state.webhooks.lag(&subscription).await?;
        Ok(Self {
            id: subscription.id.as_uuid(),
            url: subscription.url,
            description: subscription.description,
            event_types: subscription.event_types,
            state: if subscription.paused.is_some() {
                "paused"
            } else {
                "active"
            },
            paused_reason: subscription.paused.map(outbound::webhooks::PausedReason::name),
            position: subscription.position,
            lag: LagBody {
                positions: lag.positions,
                seconds: lag.seconds,
            },
            failures: subscription.failures,
            failing_since: subscription.failing_since.map(Moment),
            retry_at: subscription.retry_at.map(Moment),
            last_error: subscription.last_error,
            delivered_at: subscription.delivered_at.map(Moment),
            created_at: Moment(subscription.created_at),
            updated_at: Moment(subscription.updated_at),
        })
    }

    /// The answer to a change of a subscription that may not be there.
    pub(super) async fn changed(
        state: &ApiState,
        subscription: Option<Subscription>,
    ) -> Result<Written<Self>, ApiError> {
        let body = Self::of(state, subscription.ok_or(ApiError::NotFound)?).await?;
        Ok(Written::changed(state.durable_position(), body))
    }
}

pub(super) fn check_url(fields: &mut Fields, state: &ApiState, url: &str) {
    if let Err(reason) = state.webhooks.check_url(url) {
        fields.check(false, "/url", reason);
    }
}

pub(super) fn check_description(fields: &mut Fields, description: &str) {
    let is_short = description.chars().count() <= DESCRIPTION_CHARS_MAX;
    let is_plain = !description.chars().any(char::is_control);
    let rule = format!("must have at most {DESCRIPTION_CHARS_MAX} characters, and no control characters");
    fields.check(is_short && is_plain, "/description", rule);
}

pub(super) fn check_event_types(fields: &mut Fields, event_types: &[String]) {
    let rule = format!("must have at most {EVENT_TYPES_MAX} types");
    fields.check(event_types.len() <= EVENT_TYPES_MAX, "/event_types", rule);
    for (index, event_type) in event_types.iter().enumerate().take(EVENT_TYPES_MAX) {
        let is_name = (1..=EVENT_TYPE_LENGTH_MAX).contains(&event_type.len())
            && event_type.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let pointer = format!("/event_types/{index}");
        fields.check(is_name, &pointer, "must be the type of an event, like ticket_issued");
    }
}
