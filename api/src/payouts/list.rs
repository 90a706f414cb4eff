//! `GET /v1/me/payouts`

use axum::extract::State;
use projections::View;
use projections::earnings::{PayoutRow, list_payouts};

use super::payout::PayoutBody;
use crate::answer::Page;
use crate::extract::{Caller, Paging, Query};
use crate::{ApiError, ApiState};

/// My payouts, the latest first
#[utoipa::path(get, path = "/v1/me/payouts", tag = "earnings", params(Paging), security(("bearer" = [])),
    responses((status = 200, body = Page<PayoutBody>)))]
pub(crate) async fn list_my_payouts(
    State(state): State<ApiState>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Page<PayoutBody>, ApiError> {
    state.wait_for(View::Earnings, paging.min_position).await?;
    let rows = list_payouts(&state.pool, caller.user_id, paging.after, paging.limit).await?;
    let cursor = |row: &PayoutRow| row.created_position;
    Ok(Page::of(rows, paging.limit, cursor, PayoutBody::from))
}
