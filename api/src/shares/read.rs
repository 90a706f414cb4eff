//! `GET /v1/rooms/{room}/shares`

use axum::extract::State;
use domain::RoomId;

use super::body::{SharesBody, find};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::{ApiError, ApiState};

/// Who shares what a room earns: for its host, those who share it, finance and admins
#[utoipa::path(get, path = "/v1/rooms/{room}/shares", tag = "shares", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = SharesBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_shares(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    known: IfNoneMatch,
) -> Result<One<SharesBody>, ApiError> {
    let (host, sharing) = find(&state, room).await?.ok_or(ApiError::NotFound)?;
    let is_concerned = caller.user_id == host || sharing.shares().iter().any(|share| share.user == caller.user_id);
    if !is_concerned && caller.require_finance().is_err() {
        return Err(ApiError::Forbidden {
            detail: "Only those who share it see this.",
        });
    }
    Ok(One::new(SharesBody::new(room, &sharing), known))
}
