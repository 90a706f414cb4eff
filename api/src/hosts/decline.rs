//! `POST /v1/hosts/{user}/decline`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::decision::{ReasonedRequest, decide};
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

/// Decline an applicant, who may apply again: for admins
#[utoipa::path(post, path = "/v1/hosts/{user}/decline", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = ReasonedRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn decline_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    JsonBody(body): JsonBody<ReasonedRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let command = PayoutCommand::Decline(decide(&state, &caller, host, Some(body.reason)));
    change(&state, host, command, caller.admin_metadata()).await
}
