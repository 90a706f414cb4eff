//! `DELETE /v1/me`

use axum::extract::State;

use super::erase::{ErasedBody, erase};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, NoBody};
use crate::{ApiError, ApiState};

/// Be forgotten: nothing leads from the caller's id to the caller any more, and whoever comes with this token is somebody
/// new. Refused while money or a room is still between the person and others
#[utoipa::path(delete, path = "/v1/me", tag = "people", security(("bearer" = [])), responses(
    (status = 200, body = ErasedBody),
    (status = 409, description = "`erasure_refused`, with a reason: open_ticket, upcoming_room, open_refund, \
        open_dispute or open_balance", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn erase_me(
    State(state): State<ApiState>,
    caller: Caller,
    _: NoBody,
) -> Result<Written<ErasedBody>, ApiError> {
    erase(&state, caller.user_id, caller.user_id, caller.metadata()).await
}
