//! `GET /v1/rollout`

use axum::extract::State;

use super::body::RolloutBody;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// Who may sell where: for admins
#[utoipa::path(get, path = "/v1/rollout", tag = "hosts", security(("bearer" = [])), responses(
    (status = 200, body = RolloutBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_rollout(
    State(state): State<ApiState>,
    caller: Caller,
    known: IfNoneMatch,
) -> Result<One<RolloutBody>, ApiError> {
    caller.require_admin()?;
    state.rollout.refresh().await?;
    Ok(One::new(RolloutBody::of(&state.rollout.current()), known))
}
