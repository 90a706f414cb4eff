//! `POST /v1/rooms/{room}/bans`: out of the room, and no seat of it is to be had.

use axum::extract::State;
use domain::{RoomCommand, RoomId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::podium::{StageBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BanRequest {
    user_id: Uuid,
}

/// Ban a person from this room, before it opens or while it is live. A ticket stays, and may be refunded
#[utoipa::path(post, path = "/v1/rooms/{room}/bans", tag = "stage", request_body = BanRequest,
    params(("room" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `ban_limit_reached`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn ban_person(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<BanRequest>,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::BanPerson {
        user: UserId::from_uuid(body.user_id),
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
