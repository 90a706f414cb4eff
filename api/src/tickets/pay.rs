//! `POST /v1/tickets/{ticket}/payments`: the holder of a seat starts to pay.

use axum::extract::State;
use domain::{PaymentId, TicketId};
use payments::IntentState;
use processes::{BeginPayment, BeginPaymentError, Begun};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lookup::ticket_of;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, IdempotencyKey, NoBody, fingerprint};
use crate::shapes::MoneyBody;
use crate::{ApiError, ApiState};

/// A payment to confirm with the provider; or, for a free seat, the news that the ticket is issued: then `state` is
/// `issued` and nothing else is there.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// `pending`, `requires_action`, `captured`, `declined`, `cancelled`, or `issued`
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<MoneyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_ref: Option<String>,
    /// Lets the buyer's client confirm the payment with the provider. For nobody else's eyes.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// Start a payment, or start again after a declined one. Of a ticket held through a store's channel the store collects the
/// money: have it name the ticket in the purchase, and bring its receipt
#[utoipa::path(post, path = "/v1/tickets/{ticket}/payments", tag = "tickets",
    params(("ticket" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = PaymentBody),
    (status = 402, description = "`payment_declined`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`hold_expired` · `already_paid`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "`too_many_requests`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`provider_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn start_payment(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    key: IdempotencyKey,
    body: NoBody,
) -> Result<Written<PaymentBody>, ApiError> {
    let path = format!("/v1/tickets/{ticket}/payments");
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let request = BeginPayment {
        room_id: row.room_id,
        ticket_id: ticket,
        buyer: caller.user_id,
        payment_id: PaymentId::from_uuid(key.id(caller.user_id, &path)),
        request: fingerprint(&path, &body)?,
        at: state.now(),
        metadata: caller.keyed_metadata(&key),
    };
    let begun = state.processes.begin_payment(request).await?;
    let (position, body) = answer(begun);
    Ok(Written::created(format!("/v1/tickets/{ticket}"), position, body))
}

fn answer(begun: Begun) -> (u64, PaymentBody) {
    match begun {
        Begun::Intent {
            payment_id,
            attempt,
            amount,
            provider,
            provider_ref,
            client_secret,
            state,
            position,
        } => {
            let body = PaymentBody {
                id: Some(payment_id.as_uuid()),
                attempt: Some(attempt),
                state: intent_state(&state),
                amount: Some(amount.into()),
                provider: Some(provider.to_owned()),
                provider_ref: Some(provider_ref),
                client_secret: Some(client_secret),
            };
            (position, body)
        }
        Begun::Store {
            payment_id,
            attempt,
            amount,
            provider,
            position,
        } => {
            let body = PaymentBody {
                id: Some(payment_id.as_uuid()),
                attempt: Some(attempt),
                state: "pending",
                amount: Some(amount.into()),
                provider: Some(provider),
                ..PaymentBody::default()
            };
            (position, body)
        }
        Begun::Issued { position } => {
            let state = "issued";
            (
                position,
                PaymentBody {
                    state,
                    ..PaymentBody::default()
                },
            )
        }
    }
}

pub(crate) const fn intent_state(state: &IntentState) -> &'static str {
    match state {
        IntentState::Pending => "pending",
        IntentState::RequiresAction => "requires_action",
        IntentState::Captured { .. } => "captured",
        IntentState::Declined { .. } => "declined",
        IntentState::Cancelled => "cancelled",
    }
}

impl From<BeginPaymentError> for ApiError {
    fn from(error: BeginPaymentError) -> Self {
        match error {
            BeginPaymentError::NoSuchHold => Self::NotFound,
            BeginPaymentError::HoldExpired => domain::TicketError::HoldExpired.into(),
            BeginPaymentError::AlreadyPaid => domain::TicketError::AlreadyPaid.into(),
            BeginPaymentError::Refunded => domain::RoomError::HoldExpired.into(),
            BeginPaymentError::TooManyAttempts { limit } => domain::TicketError::TooManyAttempts { limit }.into(),
            BeginPaymentError::KeyReused => domain::TicketError::KeyReused.into(),
            BeginPaymentError::ProviderRefused { code } => Self::PaymentDeclined { reason: code },
            BeginPaymentError::ProviderUnavailable(_) => Self::ProviderUnavailable(Box::new(error)),
            BeginPaymentError::Conflict => Self::Conflict,
            BeginPaymentError::Overloaded => Self::Overloaded,
            BeginPaymentError::LogUnavailable(_) => Self::LogUnavailable(Box::new(error)),
            BeginPaymentError::Internal(_) => Self::Internal(Box::new(error)),
        }
    }
}
