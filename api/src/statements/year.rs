//! `GET /v1/hosts/{user}/years/{year}`

use axum::extract::State;
use domain::{Currency, UserId};
use projections::statements::{LINES_MAX, refunds};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::period::{Period, Year, stretch_of};
use super::statement::{TotalsBody, currencies};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, MinPosition, Query};
use crate::{ApiError, ApiState};

/// What a host sold in a year: what tax authorities ask platforms for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HostYear)]
pub(crate) struct YearBody {
    host_id: Uuid,
    year: i32,
    /// The year is over: nothing of this changes any more.
    complete: bool,
    /// The last log position that counts.
    position: u64,
    /// One for each currency in which money moved.
    currencies: Vec<YearCurrencyBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HostYearCurrency)]
struct YearCurrencyBody {
    #[schema(value_type = String)]
    currency: Currency,
    #[serde(flatten)]
    totals: TotalsBody,
}

/// A host's year, gross and number of sales: for finance and the host
#[utoipa::path(get, path = "/v1/hosts/{user}/years/{year}", tag = "earnings", security(("bearer" = [])),
    params(("user" = Uuid, Path), ("year" = String, Path, pattern = "^[0-9]{4}$", description = "`2026`"), MinPosition),
    responses(
    (status = 200, body = YearBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: another host's year, or no year at all", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_host_year(
    State(state): State<ApiState>,
    caller: Caller,
    Ids(host, year): Ids<UserId, Year>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<YearBody>, ApiError> {
    if host != caller.user_id && caller.require_finance().is_err() {
        return Err(ApiError::NotFound);
    }
    let period = Period::of_year(year).ok_or(ApiError::NotFound)?;
    let (stretch, complete) = stretch_of(&state, Some(period), min_position).await?;
    let refunds = refunds(&state.pool, host, stretch).await?;
    if refunds.len() > LINES_MAX {
        return Err(ApiError::invalid(
            "/path/year",
            "has too many refunds: read it month by month",
        ));
    }
    let currencies = currencies(&state, host, stretch, &refunds).await?;
    let of_currency = currencies.into_iter().map(|sums| YearCurrencyBody {
        currency: sums.currency,
        totals: sums.totals,
    });
    let body = YearBody {
        host_id: host.as_uuid(),
        year: year.0,
        complete,
        position: stretch.up_to,
        currencies: of_currency.collect(),
    };
    Ok(One::new(body, known))
}
