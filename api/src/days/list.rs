//! `GET /v1/days`

use axum::extract::State;
use projections::View;
use projections::statements::list_days;
use utoipa::IntoParams;

use super::day::{Day, DayBody};
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Query, QueryParams, take_limit, take_position};
use crate::{ApiError, ApiState};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// How many at most: 1 to 200, 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
    /// The `next` of the page before: its last day.
    #[param(value_type = Option<String>)]
    after: Option<Day>,
    /// Answer with what the log held at this position or later; waits up to 2 s, then 503 `projection_behind`.
    min_position: Option<u64>,
}

impl FromQuery for DaysQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_limit(parameters),
            after: parameters.take("after"),
            min_position: take_position(parameters, "min_position"),
        }
    }
}

/// The sealed days, the latest first
#[utoipa::path(get, path = "/v1/days", tag = "ledger", params(DaysQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<DayBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_sealed_days(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<DaysQuery>,
) -> Result<Page<DayBody>, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Statements, query.min_position).await?;
    let before = query.after.map(|Day(date)| date);
    let days = list_days(&state.pool, before, query.limit).await?;
    let is_full = usize::try_from(query.limit).is_ok_and(|limit| days.len() >= limit);
    let next = days.last().filter(|_| is_full).map(|(day, _)| day.date.to_string());
    Ok(Page {
        data: days.into_iter().map(DayBody::from).collect(),
        next,
    })
}
