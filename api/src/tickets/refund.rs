//! `POST /v1/tickets/{ticket}/refunds`: the money goes back.

use axum::extract::State;
use domain::ticket::{OweRefund, RefundInitiator, RefundReason};
use domain::{RefundId, Room, TicketCommand, TicketError, TicketId};
use event_log::ExecuteError;
use projections::View;
use projections::tickets::{TicketRow, find_ticket};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lookup::known_ticket;
use super::ticket::RefundBody;
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, IdempotencyKey, OptionalJsonBody, fingerprint};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

const REASON_LENGTH_MAX: usize = 500;

/// All of it, if nothing is said.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundRequest {
    /// All that is left, if absent.
    #[serde(default)]
    amount: Option<MoneyBody>,
    /// For the people involved, at most 500 characters. Not recorded: the log holds no free text about persons.
    #[serde(default)]
    reason: Option<String>,
}

impl RefundRequest {
    fn check(&self) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        let is_positive = self.amount.is_none_or(|amount| amount.amount_minor > 0);
        fields.check(is_positive, "/amount/amount_minor", "must be positive");
        let is_short = self
            .reason
            .as_ref()
            .is_none_or(|reason| reason.chars().count() <= REASON_LENGTH_MAX);
        fields.check(
            is_short,
            "/reason",
            format!("must have at most {REASON_LENGTH_MAX} characters"),
        );
        fields.finish()
    }
}

/// Refund a ticket, whole or in part. The buyer within the terms of the sale; the host and admins at any time
#[utoipa::path(post, path = "/v1/tickets/{ticket}/refunds", tag = "tickets", request_body = RefundRequest,
    params(("ticket" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = RefundBody),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`not_refundable` · `refund_exceeds_captured` · `refund_by_store`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn refund_ticket(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    key: IdempotencyKey,
    OptionalJsonBody(body): OptionalJsonBody<RefundRequest>,
) -> Result<Written<ReadBack<RefundBody>>, ApiError> {
    body.check()?;
    let row = known_ticket(&state, ticket).await?;
    let by = initiator(&row, &caller)?;
    let path = format!("/v1/tickets/{ticket}/refunds");
    let refund_id = RefundId::from_uuid(key.id(caller.user_id, &path));
    let (room_starts_at, room_has_opened) = room_facts(&state, &row).await?;
    let command = TicketCommand::OweRefund(OweRefund {
        refund_id,
        amount: body.amount.map(Into::into),
        reason: RefundReason::Requested,
        by,
        room_starts_at,
        room_has_opened,
        request: Some(fingerprint(&path, &body)?),
        at: state.now(),
    });
    let metadata = caller.keyed_metadata(&key);
    let executed = state
        .aggregates
        .tickets
        .execute(ticket.as_uuid(), command, metadata)
        .await
        .map_err(refusal)?;
    let body = read_back(&state, ticket, refund_id, executed.position).await;
    Ok(Written::created(
        format!("/v1/tickets/{ticket}"),
        executed.position,
        body,
    ))
}

/// A ticket without money in it, or not issued yet, is there all the same.
fn refusal(error: ExecuteError<TicketError>) -> ApiError {
    match error {
        ExecuteError::Refused(TicketError::NotOrdered | TicketError::NotIssued) => TicketError::NotRefundable.into(),
        other => other.into(),
    }
}

/// Whoever is the buyer is judged as the buyer, whatever else they are.
fn initiator(row: &TicketRow, caller: &Caller) -> Result<RefundInitiator, ApiError> {
    if row.holder == caller.user_id {
        Ok(RefundInitiator::Buyer)
    } else if row.host == caller.user_id {
        Ok(RefundInitiator::Host)
    } else if caller.is_admin() {
        Ok(RefundInitiator::Admin)
    } else {
        Err(ApiError::NotFound)
    }
}

async fn room_facts(state: &ApiState, row: &TicketRow) -> Result<(domain::Timestamp, bool), ApiError> {
    let look = |room: &Room| room.facts().map(|facts| (facts.starts_at, room.was_opened()));
    let (facts, _) = state.aggregates.rooms.read(row.room_id.as_uuid(), look).await?;
    facts.ok_or(ApiError::NotFound)
}

async fn read_back(state: &ApiState, ticket: TicketId, refund: RefundId, position: u64) -> ReadBack<RefundBody> {
    let read = async {
        let row = find_ticket(&state.pool, ticket).await?;
        let refunds = row.map(|row| row.refunds).unwrap_or_default();
        let refund = refunds.into_iter().find(|row| row.id == refund);
        Ok::<_, ApiError>(refund.map(RefundBody::from))
    };
    ReadBack::wait(state, View::Tickets, position, refund.as_uuid(), read).await
}
