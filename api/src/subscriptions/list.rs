//! `GET /v1/subscriptions`

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};

use super::subscription::SubscriptionBody;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Query, QueryParams, take_limit, take_position};
use crate::{ApiError, ApiState};

/// Lags that are looked up side by side.
const CONCURRENCY: usize = 4;

#[derive(Clone, Copy, Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubscriptionsQuery {
    /// How many at most: 1 to 200, 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    after: Option<u64>,
}

impl FromQuery for SubscriptionsQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_limit(parameters),
            after: take_position(parameters, "after"),
        }
    }
}

/// Subscriptions, the oldest first: for admins
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions", params(SubscriptionsQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<SubscriptionBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_subscriptions(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<SubscriptionsQuery>,
) -> Result<Page<SubscriptionBody>, ApiError> {
    caller.require_admin()?;
    let rows = state.webhooks.list(query.after.unwrap_or(0), query.limit).await?;
    let is_full = usize::try_from(query.limit).is_ok_and(|limit| rows.len() >= limit);
    let next = rows.last().filter(|_| is_full).map(|row| row.seq.to_string());
    let bodies = stream::iter(rows).map(|row| SubscriptionBody::of(&state, row));
    let data = bodies.buffered(CONCURRENCY).try_collect().await?;
    Ok(Page { data, next })
}
