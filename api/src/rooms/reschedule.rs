//! `POST /v1/rooms/{room}/reschedule`: another time for a room that has not opened.

use axum::extract::State;
use domain::room::RescheduleRoom;
use domain::{RoomCommand, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody, Moment};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RescheduleRequest {
    starts_at: Moment,
    /// As before, if absent.
    #[serde(default)]
    planned_minutes: Option<u32>,
    /// How long holders may decline the new time for all their money; never longer than until it.
    #[serde(default = "default_decline_hours")]
    decline_hours: u32,
}

const fn default_decline_hours() -> u32 {
    168
}

/// Another time for a scheduled room: host or admin. Every holder may decline it
#[utoipa::path(post, path = "/v1/rooms/{room}/reschedule", tag = "rooms", params(("room" = Uuid, Path)),
    request_body = RescheduleRequest, security(("bearer" = [])), responses(
    (status = 200, body = RoomBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn reschedule_room(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<RescheduleRequest>,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let (by, metadata) = caller.authority();
    let command = RoomCommand::Reschedule(RescheduleRoom {
        by,
        starts_at: body.starts_at.0,
        planned_minutes: body.planned_minutes,
        decline_hours: body.decline_hours,
        at: state.now(),
    });
    let (position, body) = change(&state, room, command, metadata).await?;
    Ok(Written::changed(position, body))
}
