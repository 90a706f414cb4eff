//! `POST /v1/rooms/{room}/entry`: the host's side needs no ticket, and comes in before the room opens.

use axum::Json;
use axum::extract::State;
use domain::room::Entrant;
use domain::{Room, RoomCommand, RoomError, RoomId, SessionId};
use projections::View;

use super::entry::{EntryBody, EntryRoomState, Opening, bridge, live_opening, media_entry};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// A token for the live room, for its host and co-hosts; in the two hours before its start for its lobby
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
    let (opening, opened_at) = opening(&state, &caller, room).await?;
    let position = position.max(opened_at.unwrap_or(0));
    if !state.has_reached(View::Entitlements, position).await {
        return Err(ApiError::ProjectionBehind);
    }
    let entrant = Entrant { user, ticket_id: None };
    Ok(Json(media_entry(&state, &caller, opening, entrant).await?))
}

/// The live room; or its lobby, which opens with the first who comes. The position of that, if it was just now.
async fn opening(state: &ApiState, caller: &Caller, room: RoomId) -> Result<(Opening, Option<u64>), ApiError> {
    match live_opening(state, room).await {
        Err(ApiError::Room(RoomError::NotLive)) => {}
        known => return known.map(|opening| (opening, None)),
    }
    bridge(state)?;
    let command = RoomCommand::OpenLobby {
        by: caller.user_id,
        session_id: SessionId::from_uuid(state.new_uuid()),
        at: state.now(),
    };
    let rooms = &state.aggregates.rooms;
    let executed = rooms.execute(room.as_uuid(), command, caller.metadata()).await?;
    let (lobby, _) = rooms.read(room.as_uuid(), Room::lobby).await?;
    let opening = match lobby {
        Some(session) => Opening {
            room,
            session,
            state: EntryRoomState::Lobby,
        },
        // It opened meanwhile.
        None => live_opening(state, room).await?,
    };
    Ok((opening, Some(executed.position)))
}
