//! `GET /v1/rooms/{room}`

use axum::extract::State;
use domain::RoomId;
use projections::View;
use projections::catalogue::{PastRoom, find_room};

use super::room::RoomBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{AsOf, AsOfQuery, Id, MinPosition, Query};
use crate::past::each_event;
use crate::{ApiError, ApiState};

/// One room; with `as_of` as it was then, told from its events, and as it would have been shown at that moment
#[utoipa::path(get, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = Uuid, Path), MinPosition, AsOfQuery), responses(
    (status = 200, body = RoomBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: nor was it there then", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`: the moment is not known yet, or more than 50,000 events come before it: a longer history is not told",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_room(
    State(state): State<ApiState>,
    Id(room): Id<RoomId>,
    Query((waiting, moment)): Query<(MinPosition, AsOfQuery)>,
    known: IfNoneMatch,
) -> Result<One<RoomBody>, ApiError> {
    if let Some(until) = state.position_of(moment.as_of).await? {
        let body = as_it_was(&state, room, until, moment.as_of).await?;
        return Ok(One::new(body, known));
    }
    state.wait_for(View::Catalogue, waiting.min_position).await?;
    let row = find_room(&state.pool, room).await?.ok_or(ApiError::NotFound)?;
    Ok(One::new(RoomBody::new(row, state.now()), known))
}

async fn as_it_was(state: &ApiState, room: RoomId, until: u64, moment: Option<AsOf>) -> Result<RoomBody, ApiError> {
    let mut past = PastRoom::default();
    let mut shown_at = state.now();
    each_event(state, "room", room.as_uuid(), until, |event| {
        shown_at = event.recorded_at;
        past.take_in(&event.event, event.position);
    })
    .await?;
    // Whether its sales are open depends on the time: that which was asked for, or that of its last change by then.
    if let Some(AsOf::Time(time)) = moment {
        shown_at = time;
    }
    let row = past.into_row().ok_or(ApiError::NotFound)?;
    Ok(RoomBody::new(row, shown_at))
}
