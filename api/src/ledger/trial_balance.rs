//! `GET /v1/ledger/trial_balance`

use std::collections::BTreeMap;

use axum::extract::State;
use projections::View;
use projections::ledger::{self, AccountBalance};
use serde::Serialize;
use utoipa::ToSchema;

use super::account::AccountBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{AsOfQuery, Caller, MinPosition, Query};
use crate::{ApiError, ApiState};

/// Every account, and what they add up to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
pub(crate) struct TrialBalanceBody {
    data: Vec<AccountBody>,
    /// Zero in each currency, or the books are wrong.
    totals: Vec<TotalBody>,
    /// The balance holds at this log position or later; with `as_of` at this very position.
    position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerTotal)]
struct TotalBody {
    currency: &'static str,
    balance_minor: i64,
}

fn totals(rows: &[AccountBalance]) -> Vec<TotalBody> {
    let mut totals = BTreeMap::<_, i64>::new();
    for row in rows {
        let total = totals.entry(row.currency).or_default();
        *total = total.saturating_add(row.balance_minor);
    }
    let total = |(currency, balance_minor): (domain::Currency, i64)| TotalBody {
        currency: currency.code(),
        balance_minor,
    };
    totals.into_iter().map(total).collect()
}

/// The trial balance
#[utoipa::path(get, path = "/v1/ledger/trial_balance", tag = "ledger", params(MinPosition, AsOfQuery), security(("bearer" = [])),
    responses(
    (status = 200, body = TrialBalanceBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_trial_balance(
    State(state): State<ApiState>,
    caller: Caller,
    Query((waiting, moment)): Query<(MinPosition, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<TrialBalanceBody>, ApiError> {
    caller.require_finance()?;
    state.wait_for(View::Ledger, waiting.min_position).await?;
    let at = state.view_as_of(View::Ledger, moment.as_of).await?;
    let position = at.unwrap_or_else(|| state.projections.position(View::Ledger));
    let rows = ledger::trial_balance(&state.pool, at).await?;
    let body = TrialBalanceBody {
        totals: totals(&rows),
        data: rows.into_iter().map(AccountBody::from).collect(),
        position,
    };
    Ok(One::new(body, known))
}
