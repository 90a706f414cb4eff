//! `GET /v1/ledger/accounts/{account}/lines`

use axum::extract::State;
use projections::View;
use projections::ledger::{LedgerLine, account_lines};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{AsOfQuery, Caller, Id, Moment, Paging, Query};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// One line: debit is positive, credit negative.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerLine)]
pub(crate) struct LedgerLineBody {
    /// The event that was booked.
    position: u64,
    event_type: String,
    amount: MoneyBody,
    at: Moment,
}

impl From<LedgerLine> for LedgerLineBody {
    fn from(line: LedgerLine) -> Self {
        Self {
            position: line.position,
            event_type: line.event_type,
            amount: line.amount.into(),
            at: line.at.into(),
        }
    }
}

/// The lines of an account, the oldest first
#[utoipa::path(get, path = "/v1/ledger/accounts/{account}/lines", tag = "ledger",
    params(("account" = String, Path), Paging, AsOfQuery), security(("bearer" = [])), responses(
    (status = 200, body = Page<LedgerLineBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: nothing was booked there by then", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_ledger_lines(
    State(state): State<ApiState>,
    caller: Caller,
    Id(account): Id<String>,
    Query((paging, moment)): Query<(Paging, AsOfQuery)>,
) -> Result<Page<LedgerLineBody>, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Ledger, paging.min_position).await?;
    let at = state.view_as_of(View::Ledger, moment.as_of).await?;
    let lines = account_lines(&state.pool, &account, at, paging.after, paging.limit).await?;
    if lines.is_empty() && paging.after.is_none() {
        return Err(ApiError::NotFound);
    }
    let cursor = |line: &LedgerLine| line.position;
    Ok(Page::of(lines, paging.limit, cursor, LedgerLineBody::from))
}
