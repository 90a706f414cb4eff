//! `GET /v1/hosts/{user}`

use axum::extract::State;
use domain::UserId;
use projections::View;

use super::host::{HostBody, find_host};
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// A host: for admins
#[utoipa::path(get, path = "/v1/hosts/{user}", tag = "hosts", params(("user" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<HostBody>, ApiError> {
    caller.require_admin()?;
    state.wait_for(View::Earnings, min_position).await?;
    Ok(One::new(find_host(&state, host).await?, known))
}
