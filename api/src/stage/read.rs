//! `GET /v1/rooms/{room}/stage`

use axum::extract::State;
use domain::{Room, RoomId, UserId};
use projections::View;

use super::podium::{StageBody, find_stage};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// Who speaks and who asks to: for all who may be inside
#[utoipa::path(get, path = "/v1/rooms/{room}/stage", tag = "stage", params(("room" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_stage(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<StageBody>, ApiError> {
    state.wait_for(View::Entitlements, min_position).await?;
    require_inside(&state, room, caller.user_id).await?;
    let body = find_stage(&state, room).await?.ok_or(ApiError::NotFound)?;
    Ok(One::new(body, known))
}

/// The stage is for those who may be inside.
pub(crate) async fn require_inside(state: &ApiState, room: RoomId, user: UserId) -> Result<(), ApiError> {
    let look = move |room: &Room| room.facts().map(|_| room.may_be_inside(user));
    let (is_inside, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    if is_inside.ok_or(ApiError::NotFound)? {
        return Ok(());
    }
    Err(ApiError::Forbidden {
        detail: "This is for those who may be inside.",
    })
}
