//! `POST /v1/rooms/{room}/removals`: out of the room until it is over.

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
pub(crate) struct RemovalRequest {
    user_id: Uuid,
}

/// Remove a person: out within moments, and no token brings them back
#[utoipa::path(post, path = "/v1/rooms/{room}/removals", tag = "stage", request_body = RemovalRequest,
    params(("room" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = StageBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `not_in_room`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_person(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<RemovalRequest>,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let command = RoomCommand::RemovePerson {
        user: UserId::from_uuid(body.user_id),
        by: caller.user_id,
        at: state.now(),
    };
    change(&state, &caller, room, command).await
}
