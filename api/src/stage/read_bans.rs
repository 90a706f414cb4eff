//! `GET /v1/rooms/{room}/bans`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use domain::{Room, RoomError, RoomId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::shapes::NamesBody;
use crate::{ApiError, ApiState};

/// All of them: a room, and a host, ban 1,000 people at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bans)]
pub(crate) struct BansBody {
    /// From this room.
    here: Vec<Uuid>,
    /// From all rooms of the host.
    everywhere: Vec<Uuid>,
    display_names: NamesBody,
}

/// Who is banned from a room: for its host and co-hosts. Read from the room itself
#[utoipa::path(get, path = "/v1/rooms/{room}/bans", tag = "stage", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = BansBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_bans(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
) -> Result<Json<BansBody>, ApiError> {
    let user = caller.user_id;
    let look = move |room: &Room| {
        let facts = room.facts().ok_or(RoomError::NotScheduled)?;
        if !room.is_of_host_side(user) {
            return Err(RoomError::NotHost);
        }
        let list = |users: &BTreeSet<UserId>| users.iter().copied().collect::<Vec<UserId>>();
        Ok((list(facts.bans.here()), list(facts.bans.everywhere())))
    };
    let (bans, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    let (here, everywhere) = bans?;
    let ids = |users: &[UserId]| users.iter().map(UserId::as_uuid).collect();
    Ok(Json(BansBody {
        here: ids(&here),
        everywhere: ids(&everywhere),
        display_names: NamesBody::find(&state, &[here, everywhere].concat()).await?,
    }))
}
