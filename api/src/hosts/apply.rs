//! `PUT /v1/me/host_application`

use axum::extract::State;
use domain::PayoutCommand;

use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::extract::{Caller, NoBody};
use crate::{ApiError, ApiState};

/// Ask to become a host of priced rooms
#[utoipa::path(put, path = "/v1/me/host_application", tag = "hosts", security(("bearer" = [])),
    responses((status = 200, body = HostBody)))]
pub(crate) async fn apply_as_host(
    State(state): State<ApiState>,
    caller: Caller,
    _: NoBody,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    let host = caller.user_id;
    let command = PayoutCommand::Apply { host, at: state.now() };
    change(&state, host, command, caller.metadata()).await
}
