//! `POST /v1/rooms/{room}/shares/me/accept`

use axum::extract::State;
use domain::{BasisPoints, RoomCommand, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{SharesBody, change};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

/// What the caller agrees to, as they read it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptShareRequest {
    #[schema(minimum = 1, maximum = 10_000)]
    basis_points: u16,
}

/// Agree to my share of what a room earns
#[utoipa::path(post, path = "/v1/rooms/{room}/shares/me/accept", tag = "shares", params(("room" = Uuid, Path)),
    request_body = AcceptShareRequest, security(("bearer" = [])), responses(
    (status = 200, body = SharesBody),
    (status = 403, description = "`forbidden`: the room is not shared with the caller", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over` · `wrong_state`: the share is another one",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn accept_share(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<AcceptShareRequest>,
) -> Result<Written<SharesBody>, ApiError> {
    let basis_points = BasisPoints::try_new(body.basis_points)
        .ok_or_else(|| ApiError::invalid("/basis_points", "must be at most 10000"))?;
    let command = RoomCommand::AgreeToShare {
        user: caller.user_id,
        basis_points,
        at: state.now(),
    };
    change(&state, room, command, caller.metadata()).await
}
