//! `GET /v1/rooms/{room}/events`: what happens in a room, as it happens.

use axum::extract::State;
use axum::response::Response;
use domain::{Room, RoomId};

use super::note::Topic;
use super::stream::{ChangeBody, LastEventId, respond};
use crate::error::ProblemBody;
use crate::extract::Id;
use crate::{ApiError, ApiState};

/// What happens in a room, as server-sent events. A message names the kind of change; read the room for what it is now
#[utoipa::path(get, path = "/v1/rooms/{room}/events", tag = "live", params(("room" = Uuid, Path),
    ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this message: its `id`, a log position")), responses(
    (status = 200, body = ChangeBody, content_type = "text/event-stream"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn follow_room(
    State(state): State<ApiState>,
    Id(room): Id<RoomId>,
    last: LastEventId,
) -> Result<Response, ApiError> {
    let is_there = |room: &Room| room.facts().is_some();
    let (is_there, _) = state.aggregates.rooms.read(room.as_uuid(), is_there).await?;
    if !is_there {
        return Err(ApiError::NotFound);
    }
    let listener = state.live.listen(Topic::Room(room.as_uuid()), []);
    Ok(respond(listener.ok_or(ApiError::Overloaded)?, last, false))
}
