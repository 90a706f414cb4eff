//! `GET /v1/months/{month}`

use std::str::FromStr;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;
use http::header::ACCEPT;
use projections::View;
use utoipa::IntoParams;

use super::month::MonthBody;
use super::{page, sheet};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Id, MinPosition, Query, QueryParams};
use crate::statements::Month;
use crate::{ApiError, ApiState};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReportFormat {
    Json,
    Csv,
    Html,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be json, csv or html")]
struct NoReportFormat;

impl FromStr for ReportFormat {
    type Err = NoReportFormat;

    fn from_str(name: &str) -> Result<Self, NoReportFormat> {
        match name {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "html" => Ok(Self::Html),
            _ => Err(NoReportFormat),
        }
    }
}

#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// `json`, `csv` or `html`; as `Accept` says, if absent.
    #[param(value_type = Option<String>)]
    format: Option<ReportFormat>,
}

impl FromQuery for ReportQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            format: parameters.take("format"),
        }
    }
}

impl ReportQuery {
    /// Of several that a client accepts, the one it names first.
    fn format(self, headers: &HeaderMap) -> ReportFormat {
        let accept = headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let named = accept.split(',').find_map(|kind| match kind.split(';').next()?.trim() {
            "application/json" => Some(ReportFormat::Json),
            "text/csv" => Some(ReportFormat::Csv),
            "text/html" => Some(ReportFormat::Html),
            _ => None,
        });
        self.format.or(named).unwrap_or(ReportFormat::Json)
    }
}

/// A closed month: JSON, a sheet for `Accept: text/csv`, or a report to print for `Accept: text/html`
#[utoipa::path(get, path = "/v1/months/{month}", tag = "ledger", security(("bearer" = [])),
    params(("month" = String, Path, pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", description = "`2026-11`"), ReportQuery, MinPosition),
    responses(
    (status = 200, content((MonthBody = "application/json"), (String = "text/csv"), (String = "text/html"))),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: the month's last day is not sealed", body = ProblemBody,
        content_type = "application/problem+json"),
))]
pub(crate) async fn read_closed_month(
    State(state): State<ApiState>,
    caller: Caller,
    Id(month): Id<Month>,
    Query((report, waiting)): Query<(ReportQuery, MinPosition)>,
    known: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Statements, waiting.min_position).await?;
    let body = MonthBody::read(&state, month).await?;
    Ok(match report.format(&headers) {
        ReportFormat::Json => One::new(body, known).into_response(),
        ReportFormat::Csv => sheet::answer(&body),
        ReportFormat::Html => Html(page::page(&body)).into_response(),
    })
}
