//! `GET /v1/rooms/{room}/waiting_list/me`

use axum::extract::State;
use domain::RoomId;

use super::place::{WaitingPlaceBody, place_of};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::{ApiError, ApiState};

/// The caller's place in line, or their open offer; 404 for who has neither
#[utoipa::path(get, path = "/v1/rooms/{room}/waiting_list/me", tag = "waiting list", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = WaitingPlaceBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_waiting_place(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    known: IfNoneMatch,
) -> Result<One<WaitingPlaceBody>, ApiError> {
    let place = place_of(&state, room, caller.user_id)
        .await?
        .ok_or(ApiError::NotFound)?;
    Ok(One::new(WaitingPlaceBody::new(room, Some(place)), known))
}
