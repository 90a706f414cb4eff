//! `POST /v1/hosts/{user}/waitlist`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::decision::{DecisionRequest, decide};
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, OptionalJsonBody};
use crate::{ApiError, ApiState};

/// Put an applicant on the waiting list: for admins
#[utoipa::path(post, path = "/v1/hosts/{user}/waitlist", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = DecisionRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`wrong_state`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn waitlist_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    OptionalJsonBody(body): OptionalJsonBody<DecisionRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let command = PayoutCommand::Waitlist(decide(&state, &caller, host, body.reason));
    change(&state, host, command, caller.admin_metadata()).await
}
