//! `POST /v1/tickets/{ticket}/receipts`: the receipt of a purchase that an app store collected.

use axum::extract::State;
use domain::{TicketError, TicketId};
use event_log::ExecuteError;
use payments::store::StatementError;
use processes::PurchaseError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lookup::ticket_of;
use super::ticket::{TicketBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptRequest {
    /// The store's signed statement of the purchase: a JWS in compact form.
    #[schema(max_length = 16_384)]
    receipt: String,
}

/// Pay with what an app store collected. One receipt pays for the one ticket that it names, once; also if it comes late
#[utoipa::path(post, path = "/v1/tickets/{ticket}/receipts", tag = "tickets", params(("ticket" = Uuid, Path)),
    request_body = ReceiptRequest, security(("bearer" = [])), responses(
    (status = 200, body = TicketBody),
    (status = 404, description = "`not_found`: no such ticket, or no payment was started for it", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`receipt_refused`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn bring_receipt(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    JsonBody(body): JsonBody<ReceiptRequest>,
) -> Result<Written<ReadBack<TicketBody>>, ApiError> {
    ticket_of(&state, ticket, caller.user_id).await?;
    let deps = state.processes.deps();
    let store = deps.store.as_ref().ok_or(PurchaseError::OtherChannel)?;
    let statement = store.verify(&body.receipt)?;
    if statement.ticket_id != ticket {
        return Err(PurchaseError::OtherTicket.into());
    }
    let position = state.processes.record_purchase(statement, caller.metadata()).await?;
    let body = read_back(&state, ticket, position).await;
    Ok(Written::changed(position, body))
}

impl From<StatementError> for ApiError {
    fn from(error: StatementError) -> Self {
        let reason = match error {
            StatementError::BadSignature => "signature",
            StatementError::Unreadable(_) => "unreadable",
        };
        Self::ReceiptRefused { reason }
    }
}

impl From<PurchaseError> for ApiError {
    fn from(error: PurchaseError) -> Self {
        let refused = |reason| Self::ReceiptRefused { reason };
        match error {
            PurchaseError::OtherTicket => refused("other_ticket"),
            PurchaseError::OtherChannel => refused("other_channel"),
            PurchaseError::NoPurchase => refused("no_purchase"),
            PurchaseError::Unknown { .. } => Self::NotFound,
            PurchaseError::Ticket(ExecuteError::Refused(TicketError::WrongAmount { .. } | TicketError::Money(_))) => {
                refused("wrong_amount")
            }
            PurchaseError::Ticket(error) => error.into(),
        }
    }
}
