//! `GET /v1/me/host`

use axum::extract::State;
use projections::View;
use projections::earnings::find_account;

use super::host::HostBody;
use crate::answer::{IfNoneMatch, One};
use crate::extract::{Caller, MinPosition, Query};
use crate::{ApiError, ApiState};

/// My standing as a host
#[utoipa::path(get, path = "/v1/me/host", tag = "hosts", params(MinPosition), security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
))]
pub(crate) async fn read_my_host(
    State(state): State<ApiState>,
    caller: Caller,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<HostBody>, ApiError> {
    state.wait_for(View::Earnings, min_position).await?;
    let row = find_account(&state.pool, caller.user_id).await?;
    let body = row.map_or_else(|| HostBody::unknown(caller.user_id), HostBody::from);
    Ok(One::new(body, known))
}
