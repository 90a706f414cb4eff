//! `GET /v1/log/checkpoint`

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::error::ProblemBody;
use crate::extract::{Caller, Query};
use crate::{ApiError, ApiState};

/// The newest checkpoint as it was signed, where C2SP `tlog-tiles` has it beside the tiles
#[utoipa::path(get, path = "/v1/log/checkpoint", tag = "log", security(("bearer" = [])), responses(
    (status = 200, description = "A signed note", body = String, content_type = "text/plain"),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: nothing was signed yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_log_checkpoint(
    State(state): State<ApiState>,
    caller: Caller,
    Query(()): Query<()>,
) -> Result<impl IntoResponse, ApiError> {
    caller.require_log_reader()?;
    let newest = state.notary.latest().await?.ok_or(ApiError::NotFound)?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    Ok((headers, newest.note))
}
