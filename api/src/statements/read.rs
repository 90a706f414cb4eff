//! `GET /v1/me/statements` and `GET /v1/me/statements/{month}`

use std::str::FromStr;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use utoipa::IntoParams;

use super::period::{Month, Period, stretch_of};
use super::sheet;
use super::statement::StatementBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Id, MinPosition, Query, QueryParams};
use crate::{ApiError, ApiState};

const CSV: &str = "text/csv";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Json,
    Csv,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be json or csv")]
pub(crate) struct NoFormat;

impl FromStr for Format {
    type Err = NoFormat;

    fn from_str(name: &str) -> Result<Self, NoFormat> {
        match name {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err(NoFormat),
        }
    }
}

#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatQuery {
    /// `json` or `csv`; as `Accept` says, if absent.
    #[param(value_type = Option<String>)]
    format: Option<Format>,
}

impl FromQuery for FormatQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            format: parameters.take("format"),
        }
    }
}

impl FormatQuery {
    pub(crate) fn wants_csv(self, headers: &HeaderMap) -> bool {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let accepts = || accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with(CSV)));
        self.format.map_or_else(accepts, |format| format == Format::Csv)
    }
}

/// My statement, from the beginning: JSON, or a sheet for `Accept: text/csv`
#[utoipa::path(get, path = "/v1/me/statements", tag = "earnings", params(FormatQuery, MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, content((StatementBody = "application/json"), (String = "text/csv"))),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
))]
pub(crate) async fn read_statements(
    State(state): State<ApiState>,
    caller: Caller,
    Query((format, waiting)): Query<(FormatQuery, MinPosition)>,
    known: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let stretch = stretch_of(&state, None, waiting.min_position).await?;
    let statement = StatementBody::read(&state, caller.user_id, None, stretch).await?;
    Ok(answer(statement, format.wants_csv(&headers), known))
}

/// My statement of one month: JSON, or a sheet for `Accept: text/csv`
#[utoipa::path(get, path = "/v1/me/statements/{month}", tag = "earnings", security(("bearer" = [])),
    params(("month" = String, Path, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", description = "`2026-11`"), FormatQuery, MinPosition),
    responses(
    (status = 200, content((StatementBody = "application/json"), (String = "text/csv"))),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: no month is called so", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_statement_of_month(
    State(state): State<ApiState>,
    caller: Caller,
    Id(month): Id<Month>,
    Query((format, waiting)): Query<(FormatQuery, MinPosition)>,
    known: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let period = Period::of_month(month).ok_or(ApiError::NotFound)?;
    let stretch = stretch_of(&state, Some(period), waiting.min_position).await?;
    let name = Some(month.to_string());
    let statement = StatementBody::read(&state, caller.user_id, name, stretch).await?;
    Ok(answer(statement, format.wants_csv(&headers), known))
}

fn answer(statement: StatementBody, as_csv: bool, known: IfNoneMatch) -> Response {
    if as_csv {
        return sheet::answer(&statement);
    }
    One::new(statement, known).into_response()
}
