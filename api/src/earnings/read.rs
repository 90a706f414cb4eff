//! `GET /v1/me/earnings`

use axum::extract::State;
use projections::View;
use projections::earnings::{Balance, HostRow, find_account};
use projections::statements::balances_at;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{IfNoneMatch, One};
use crate::extract::{AsOfQuery, Caller, MinPosition, Query};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Earnings)]
pub(crate) struct EarningsBody {
    /// One for each currency in which anything was earned.
    balances: Vec<BalanceBody>,
    /// The log position of the last change; 0 before the first. With `as_of` the position that was asked for.
    position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
struct BalanceBody {
    currency: &'static str,
    /// What a payout can be asked of.
    available: MoneyBody,
    /// Earned, and not available before its days are over.
    pending: MoneyBody,
    /// Requested, and neither paid nor failed.
    pending_payout: MoneyBody,
    paid_out: MoneyBody,
    /// What buyers paid and did not get back, tax in it.
    gross: MoneyBody,
    taxes: MoneyBody,
    store_fees: MoneyBody,
    provider_fees: MoneyBody,
    platform_fees: MoneyBody,
    /// Held for disputes that are not decided, and the rolling reserve.
    reserved: MoneyBody,
    /// What the host owes: the next earnings pay it first.
    receivable: MoneyBody,
}

impl From<Balance> for BalanceBody {
    fn from(balance: Balance) -> Self {
        Self {
            currency: balance.currency.code(),
            available: balance.available.into(),
            pending: balance.pending.into(),
            pending_payout: balance.pending_payout.into(),
            paid_out: balance.paid_out.into(),
            gross: balance.gross.into(),
            taxes: balance.taxes.into(),
            store_fees: balance.store_fees.into(),
            provider_fees: balance.provider_fees.into(),
            platform_fees: balance.platform_fees.into(),
            reserved: balance.reserved.into(),
            receivable: balance.receivable.into(),
        }
    }
}

impl From<HostRow> for EarningsBody {
    fn from(row: HostRow) -> Self {
        Self {
            balances: row.balances.into_iter().map(BalanceBody::from).collect(),
            position: row.position,
        }
    }
}

/// My balances
#[utoipa::path(get, path = "/v1/me/earnings", tag = "earnings", params(MinPosition, AsOfQuery), security(("bearer" = [])),
    responses(
    (status = 200, body = EarningsBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
))]
pub(crate) async fn read_earnings(
    State(state): State<ApiState>,
    caller: Caller,
    Query((waiting, moment)): Query<(MinPosition, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<EarningsBody>, ApiError> {
    state.wait_for(View::Earnings, waiting.min_position).await?;
    if let Some(position) = state.view_as_of(View::Statements, moment.as_of).await? {
        let balances = balances_at(&state.pool, caller.user_id, position).await?;
        let body = EarningsBody {
            balances: balances.into_iter().map(BalanceBody::from).collect(),
            position,
        };
        return Ok(One::new(body, known));
    }
    let row = find_account(&state.pool, caller.user_id).await?;
    Ok(One::new(row.map(EarningsBody::from).unwrap_or_default(), known))
}
