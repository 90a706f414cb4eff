//! `POST /v1/rooms/{room}/reactions`: applause and the like, for everybody in the room.

use axum::extract::State;
use domain::RoomId;
use media_bridge::reactions::Reaction;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entry::{live_opening, no_media_server};
use super::read::require_inside;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReactionKind {
    Applause,
    Heart,
    Laughter,
    Surprise,
    Agreement,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReactionRequest {
    reaction: ReactionKind,
}

/// React: the room hears of it together with what others say, by a data message. Nothing of it is kept
#[utoipa::path(post, path = "/v1/rooms/{room}/reactions", tag = "stage", request_body = ReactionRequest,
    params(("room" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 202, body = ReactionRequest),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`media_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn react(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    JsonBody(body): JsonBody<ReactionRequest>,
) -> Result<Written<ReactionRequest>, ApiError> {
    require_inside(&state, room, caller.user_id).await?;
    let session = live_opening(&state, room).await?.session;
    let bridge = state.bridge.as_ref().ok_or_else(no_media_server)?;
    bridge.react(session, body.reaction.into());
    Ok(Written::accepted(state.durable_position(), body))
}

impl From<ReactionKind> for Reaction {
    fn from(kind: ReactionKind) -> Self {
        match kind {
            ReactionKind::Applause => Self::Applause,
            ReactionKind::Heart => Self::Heart,
            ReactionKind::Laughter => Self::Laughter,
            ReactionKind::Surprise => Self::Surprise,
            ReactionKind::Agreement => Self::Agreement,
        }
    }
}
