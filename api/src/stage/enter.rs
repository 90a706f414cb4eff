//! `POST /v1/rooms/{room}/entry`: the host's side needs no ticket.

use axum::Json;
use axum::extract::State;
use domain::{Room, RoomId};
use media_bridge::Identity;
use projections::View;

use super::entry::{EntryBody, live_session, media_entry};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// A token for the live room, for its host and co-hosts
#[utoipa::path(post, path = "/v1/rooms/{room}/entry", tag = "stage", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = EntryBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`media_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn enter_as_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Json<EntryBody>, ApiError> {
    let user = caller.user_id;
    let look = move |room: &Room| room.facts().map(|_| room.is_of_host_side(user));
    let (is_of_host_side, position) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    if !is_of_host_side.ok_or(ApiError::NotFound)? {
        return Err(ApiError::Forbidden {
            detail: "This is for the host and the co-hosts of the room.",
        });
    }
    let session = live_session(&state, room).await?;
    if !state.has_reached(View::Entitlements, position).await {
        return Err(ApiError::ProjectionBehind);
    }
    Ok(Json(media_entry(&state, session, Identity::Host(user)).await?))
}
