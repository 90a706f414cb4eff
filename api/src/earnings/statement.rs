//! `GET /v1/me/statements` and `GET /v1/me/statements/{month}`

use std::str::FromStr;

use axum::extract::State;
use projections::View;
use projections::earnings::{StatementLine, statement};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Moment, Query};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// Everything that moved a host's balance, the oldest first. The `net` of all lines adds up to what is available.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
pub(crate) struct StatementBody {
    /// `2026-11`; null is from the beginning.
    month: Option<String>,
    data: Vec<StatementLineBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
struct StatementLineBody {
    position: u64,
    at: Moment,
    /// `earning`, `dispute_held`, `dispute_released`, `dispute_reversed`, `payout_requested`, `payout_paid` or
    /// `payout_failed`
    kind: &'static str,
    room_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    payout_id: Option<Uuid>,
    gross: MoneyBody,
    tax: MoneyBody,
    store_fee: MoneyBody,
    provider_fee: MoneyBody,
    platform_fee: MoneyBody,
    net: MoneyBody,
}

impl From<StatementLine> for StatementLineBody {
    fn from(line: StatementLine) -> Self {
        Self {
            position: line.position,
            at: line.at.into(),
            kind: line.kind.as_str(),
            room_id: line.room_id.map(|id| id.as_uuid()),
            ticket_id: line.ticket_id.map(|id| id.as_uuid()),
            payout_id: line.payout_id.map(|id| id.as_uuid()),
            gross: line.gross.into(),
            tax: line.tax.into(),
            store_fee: line.store_fee.into(),
            provider_fee: line.provider_fee.into(),
            platform_fee: line.platform_fee.into(),
            net: line.net.into(),
        }
    }
}

/// A month of the calendar, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Month {
    year: i32,
    month: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMonth;

impl FromStr for Month {
    type Err = NoMonth;

    /// `2026-11`, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let is_digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or(NoMonth)?;
        if !is_digits(year, 4) || !is_digits(month, 2) {
            return Err(NoMonth);
        }
        let year = year.parse().map_err(|_| NoMonth)?;
        let month = month.parse().map_err(|_| NoMonth)?;
        (1..=12).contains(&month).then_some(Self { year, month }).ok_or(NoMonth)
    }
}

/// My statement, from the beginning
#[utoipa::path(get, path = "/v1/me/statements", tag = "earnings", params(MinPosition), security(("bearer" = [])),
    responses(
    (status = 200, body = StatementBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
))]
pub(crate) async fn read_statements(
    State(state): State<ApiState>,
    caller: Caller,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<StatementBody>, ApiError> {
    answer(&state, &caller, None, min_position, known).await
}

/// My statement of one month
#[utoipa::path(get, path = "/v1/me/statements/{month}", tag = "earnings", security(("bearer" = [])),
    params(("month" = String, Path, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", description = "`2026-11`"), MinPosition), responses(
    (status = 200, body = StatementBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: no month is called so", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_statement_of_month(
    State(state): State<ApiState>,
    caller: Caller,
    Id(month): Id<Month>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<StatementBody>, ApiError> {
    answer(&state, &caller, Some(month), min_position, known).await
}

async fn answer(
    state: &ApiState,
    caller: &Caller,
    month: Option<Month>,
    min_position: Option<u64>,
    known: IfNoneMatch,
) -> Result<One<StatementBody>, ApiError> {
    state.wait_for(View::Earnings, min_position).await?;
    let bounds = month.map(|month| (month.year, month.month));
    let lines = statement(&state.pool, caller.user_id, bounds).await?;
    let body = StatementBody {
        month: month.map(|month| format!("{:04}-{:02}", month.year, month.month)),
        data: lines.into_iter().map(StatementLineBody::from).collect(),
    };
    Ok(One::new(body, known))
}
