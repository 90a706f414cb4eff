//! `GET /v1/ledger/accounts`

use axum::extract::State;
use domain::Currency;
use projections::View;
use projections::ledger::{AccountBalance, list_accounts};
use utoipa::IntoParams;

use super::account::AccountBody;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{AsOfQuery, Caller, FromQuery, Query, QueryParams, take_limit, take_position};
use crate::{ApiError, ApiState};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountsQuery {
    /// How many at most: 1 to 200, 50 if absent. A few more, where an account has several currencies: it is not cut in two.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
    /// The `next` of the page before.
    after: Option<String>,
    /// Answer with what the log held at this position or later; waits up to 2 s, then 503 `projection_behind`.
    min_position: Option<u64>,
}

impl FromQuery for AccountsQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_limit(parameters),
            after: parameters.take("after"),
            min_position: take_position(parameters, "min_position"),
        }
    }
}

/// The accounts, by name; one row for each currency
#[utoipa::path(get, path = "/v1/ledger/accounts", tag = "ledger", params(AccountsQuery, AsOfQuery), security(("bearer" = [])),
    responses(
    (status = 200, body = Page<AccountBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list_ledger_accounts(
    State(state): State<ApiState>,
    caller: Caller,
    Query((query, moment)): Query<(AccountsQuery, AsOfQuery)>,
) -> Result<Page<AccountBody>, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Ledger, query.min_position).await?;
    let at = state.view_as_of(View::Ledger, moment.as_of).await?;
    let rows = list_accounts(&state.pool, at, query.after.as_deref(), query.limit + rows_more()).await?;
    let (rows, next) = whole_accounts(rows, usize::try_from(query.limit).unwrap_or_default());
    Ok(Page {
        next,
        data: rows.into_iter().map(AccountBody::from).collect(),
    })
}

/// How many rows an account has at most: one for each currency.
fn rows_more() -> u32 {
    u32::try_from(Currency::ALL.len()).unwrap_or(u32::MAX)
}

/// The first `limit` rows, and those that the last account among them has besides: the cursor names an account, so none
/// may be cut in two.
fn whole_accounts(mut rows: Vec<AccountBalance>, limit: usize) -> (Vec<AccountBalance>, Option<String>) {
    let Some(last) = limit.checked_sub(1).and_then(|last| rows.get(last)) else {
        return (rows, None);
    };
    let last = last.account.clone();
    let end = rows
        .iter()
        .rposition(|row| row.account == last)
        .map_or(limit, |last| last + 1);
    let next = (rows.len() > end).then_some(last);
    rows.truncate(end);
    (rows, next)
}
