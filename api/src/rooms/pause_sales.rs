//! `POST /v1/rooms/{room}/pause_sales`: the host stops selling for a while.

use axum::extract::State;
use domain::{RoomCommand, RoomId};

use super::room::{RoomBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::{ApiError, ApiState};

/// Stop selling for a while. Held seats can still be paid
#[utoipa::path(post, path = "/v1/rooms/{room}/pause_sales", tag = "rooms", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = RoomBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_over`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn pause_sales(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    _: NoBody,
) -> Result<Written<ReadBack<RoomBody>>, ApiError> {
    let (by, metadata) = caller.authority();
    let command = RoomCommand::PauseSales { by, at: state.now() };
    let (position, body) = change(&state, room, command, metadata).await?;
    Ok(Written::changed(position, body))
}
