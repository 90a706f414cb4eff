//! `POST /v1/hosts/{user}/reinstate`

use axum::extract::State;
use domain::{PayoutCommand, UserId};

use super::decision::DecisionRequest;
use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, OptionalJsonBody};
use crate::{ApiError, ApiState};

/// Reinstate a suspended host, who is again what they were before: for admins
#[utoipa::path(post, path = "/v1/hosts/{user}/reinstate", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = DecisionRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn reinstate_host(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    OptionalJsonBody(body): OptionalJsonBody<DecisionRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    caller.require_admin()?;
    let command = PayoutCommand::Reinstate {
        by: caller.user_id,
        reason: body.reason,
        at: state.now(),
    };
    change(&state, host, command, caller.admin_metadata()).await
}
