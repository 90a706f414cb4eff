//! `GET /v1/rooms/{room}`

use axum::extract::State;
use domain::RoomId;
use projections::View;
use projections::catalogue::find_room;

use super::room::RoomBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// One room
#[utoipa::path(get, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = Uuid, Path), MinPosition), responses(
    (status = 200, body = RoomBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_room(
    State(state): State<ApiState>,
    Id(room): Id<RoomId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<RoomBody>, ApiError> {
    state.wait_for(View::Catalogue, min_position).await?;
    let row = find_room(&state.pool, room).await?.ok_or(ApiError::NotFound)?;
    Ok(One::new(RoomBody::new(row, state.now()), known))
}
