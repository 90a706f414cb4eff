//! `POST /sandbox/store/purchases` and `…/refunds`: what an app store would collect and give back.

use axum::Json;
use axum::extract::State;
use domain::TicketId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::operator::sandbox_of_admin;
use crate::error::ProblemBody;
use crate::extract::{Caller, JsonBody};
use crate::shapes::{ChannelName, MoneyBody};
use crate::{ApiError, ApiState};

/// A purchase for a ticket, as the buyer's app asks the store for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = StorePurchase)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchaseRequest {
    ticket_id: Uuid,
    channel: ChannelName,
    amount: MoneyBody,
}

/// A purchase whose money goes back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = StoreRefund)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreRefundRequest {
    ticket_id: Uuid,
    channel: ChannelName,
}

/// Signed by the sandbox store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreStatement)]
pub(crate) struct StatementBody {
    /// A JWS in compact form.
    statement: String,
}

/// Buy in the sandbox store, as a buyer would: the statement is the receipt. Everybody may, for play money
#[utoipa::path(post, path = "/sandbox/store/purchases", tag = "sandbox", request_body = PurchaseRequest, responses(
    (status = 200, body = StatementBody),
    (status = 404, description = "`not_found`: there is no sandbox", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn buy_in_store(
    State(state): State<ApiState>,
    JsonBody(body): JsonBody<PurchaseRequest>,
) -> Result<Json<StatementBody>, ApiError> {
    let store = state.sandbox.as_ref().ok_or(ApiError::NotFound)?.store();
    let ticket = TicketId::from_uuid(body.ticket_id);
    let statement = store.purchase(ticket, body.channel.into(), body.amount.into(), state.now());
    Ok(Json(StatementBody { statement }))
}

/// Have the sandbox store give a purchase's money back: for admins. The statement is what it sends to
/// `/v1/webhooks/store`
#[utoipa::path(post, path = "/sandbox/store/refunds", tag = "sandbox", request_body = StoreRefundRequest,
    security(("bearer" = [])), responses(
    (status = 200, body = StatementBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: there is no sandbox", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn refund_in_store(
    State(state): State<ApiState>,
    caller: Caller,
    JsonBody(body): JsonBody<StoreRefundRequest>,
) -> Result<Json<StatementBody>, ApiError> {
    let store = sandbox_of_admin(&state, &caller)?.store();
    let ticket = TicketId::from_uuid(body.ticket_id);
    let statement = store.refund(ticket, body.channel.into(), state.now());
    Ok(Json(StatementBody { statement }))
}
