//! `PUT /v1/me/payout_destination`

use axum::extract::State;
use domain::PayoutCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::host::{HostBody, change};
use crate::answer::{ReadBack, Written};
use crate::extract::{Caller, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutDestinationRequest {
    /// The payment provider's name of the account, never a bank account's number.
    destination: String,
}

/// Say where payouts go
#[utoipa::path(put, path = "/v1/me/payout_destination", tag = "hosts", request_body = PayoutDestinationRequest,
    security(("bearer" = [])), responses((status = 200, body = HostBody)))]
pub(crate) async fn link_payout_destination(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<PayoutDestinationRequest>,
) -> Result<Written<ReadBack<HostBody>>, ApiError> {
    let command = PayoutCommand::LinkDestination {
        destination: body.destination,
        at: state.now(),
    };
    change(&state, caller.user_id, command, caller.metadata()).await
}
