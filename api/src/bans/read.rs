//! `GET /v1/me/bans`

use axum::Json;
use axum::extract::State;

use super::list::{MyBansBody, find};
use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// Whom the caller bans from all their rooms
#[utoipa::path(get, path = "/v1/me/bans", tag = "stage", security(("bearer" = [])), responses(
    (status = 200, body = MyBansBody),
))]
pub(crate) async fn read_my_bans(State(state): State<ApiState>, caller: Caller) -> Result<Json<MyBansBody>, ApiError> {
    Ok(Json(find(&state, caller.user_id).await?))
}
