//! `PUT /v1/hosts/{user}/cohorts`

use axum::extract::State;
use domain::{Label, Shop, ShopCommand, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::COHORTS_MAX;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, JsonBody};
use crate::hosts::{HostBody, find_host};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CohortsRequest {
    /// All the host is in from now on: at most 100, each of 1 to 40 characters from a-z, 0-9, _ and -
    #[schema(value_type = Vec<String>)]
    cohorts: Vec<Label>,
}

/// Say which cohorts of the roll-out a host is in: for admins
#[utoipa::path(put, path = "/v1/hosts/{user}/cohorts", tag = "hosts", params(("user" = Uuid, Path)),
    request_body = CohortsRequest, security(("bearer" = [])), responses(
    (status = 200, body = HostBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn assign_cohorts(
    State(state): State<ApiState>,
    caller: Caller,
    Id(host): Id<UserId>,
    JsonBody(body): JsonBody<CohortsRequest>,
) -> Result<Written<HostBody>, ApiError> {
    caller.require_admin()?;
    let mut fields = Fields::default();
    fields.check(body.cohorts.len() <= COHORTS_MAX, "/cohorts", "must be at most 100");
    fields.finish()?;
    let command = ShopCommand::AssignCohorts {
        host,
        cohorts: body.cohorts.into_iter().collect(),
        by: caller.user_id,
        at: state.now(),
    };
    let shop = &state.aggregates.shop;
    let executed = shop
        .execute(Shop::ID.as_uuid(), command, caller.admin_metadata())
        .await?;
    state.rollout.refresh().await?;
    let body = find_host(&state, host).await?;
    Ok(Written::changed(executed.position, body))
}
