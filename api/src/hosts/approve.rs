//! `POST /v1/hosts/{user}/approve`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::decision::{DecisionRequest, decide};
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, OptionalJsonBody};
use crate::{ApiError, ApiState};

/// Approve a host, whether they applied or not: for admins
#[utoipa::path(post, path = "/v1/hosts/{user}/approve", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = DecisionRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn approve_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    OptionalJsonBody(body): OptionalJsonBody<DecisionRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let command = PayoutCommand::Approve(decide(&state, &caller, host, body.reason));
    change(&state, host, command, caller.admin_metadata()).await
}
