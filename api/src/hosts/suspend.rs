//! `POST /v1/hosts/{user}/suspend`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::decision::ReasonedRequest;
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

/// Suspend a host, who can neither schedule nor sell nor be paid from then on: for admins
#[utoipa::path(post, path = "/v1/hosts/{user}/suspend", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = ReasonedRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn suspend_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    JsonBody(body): JsonBody<ReasonedRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let command = PayoutCommand::Suspend {
        by: caller.user_id,
        reason: body.reason,
        at: state.now(),
    };
    change(&state, host, command, caller.admin_metadata()).await
}
