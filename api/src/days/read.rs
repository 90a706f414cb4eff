//! `GET /v1/days/{date}`

use axum::extract::State;
use projections::View;
use projections::statements::find_day;

use super::day::{Day, DayBody};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// A sealed day
#[utoipa::path(get, path = "/v1/days/{date}", tag = "ledger", security(("bearer" = [])),
    params(("date" = String, Path, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description = "`2026-11-24`"), MinPosition), responses(
    (status = 200, body = DayBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: the day is not sealed", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_sealed_day(
    State(state): State<ApiState>,
    caller: Caller,
    Id(Day(date)): Id<Day>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<DayBody>, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Statements, min_position).await?;
    let day = find_day(&state.pool, date).await?.ok_or(ApiError::NotFound)?;
    Ok(One::new(day.into(), known))
}
