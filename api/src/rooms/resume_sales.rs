//! `POST /v1/rooms/{room}/resume_sales`: the host sells again.

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Sell again after a pause
#[utoipa::path(post, path = "/v1/rooms/{room}/resume_sales", tag = "rooms", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = RoomBody),
    (status = 403, description = "`forbidden` · `host_suspended`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn resume_sales(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let (by, metadata) = caller.authority();
    let command = RoomCommand::ResumeSales { by, at: state.now() };
    let (position, body) = change(&state, room, command, metadata).await?;
    Ok(Written::changed(position, body))
}
