//! `PUT /v1/rollout`

use axum::extract::State;
use domain::{Shop, ShopCommand};

use super::body::RolloutBody;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, JsonBody};
use crate::{ApiError, ApiState};

/// Say who may sell where, all of it: for admins. Seats that are held or sold stay so
#[utoipa::path(put, path = "/v1/rollout", tag = "hosts", request_body = RolloutBody, security(("bearer" = [])), responses(
    (status = 200, body = RolloutBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn change_rollout(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<RolloutBody>,
) -> Result<Written<RolloutBody>, ApiError> {
    caller.require_admin()?;
    let command = ShopCommand::ChangeRollout {
        channels: body.into_flags()?,
        by: caller.user_id,
        at: state.now(),
    };
    let shop = &state.aggregates.shop;
    let executed = shop
        .execute(Shop::ID.as_uuid(), command, caller.admin_metadata())
        .await?;
    state.rollout.refresh().await?;
    let body = RolloutBody::of(&state.rollout.current());
    Ok(Written::changed(executed.position, body))
}
