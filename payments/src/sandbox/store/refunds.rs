//! Refunds: never more than was captured, whatever races.

use domain::{PaymentId, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::deliveries::Schedule;
use super::movement::{self, Asked};
use super::{events, intents};
use crate::sandbox::error::{Refusal, StoreError};
use crate::{CreateRefund, IntentState, Movement, MovementState, ProviderEvent, ProviderEventKind};

/// Refunds at once, or repeats the answer of an earlier call with the same id.
pub(in crate::sandbox) async fn refund(
    pool: &PgPool,
    request: &CreateRefund,
    now: Timestamp,
) -> Result<Movement, StoreError> {
    if !request.amount.is_positive() {
        return Err(Refusal::InvalidAmount.into());
    }
    let mut tx = pooling::begin(pool).await?;
    // The lock comes before the look at earlier refunds: a second call for this payment sees what the first did.
    let [payment] = intents::lock(&mut tx, &[request.payment_id.as_uuid()])
        .await?
        .try_into()
        .map_err(|_| Refusal::UnknownPayment)?;
    if payment.intent.provider_ref != request.payment_ref {
        return Err(Refusal::UnknownPayment.into());
    }
    let asked = Asked {
        payment_id: Some(request.payment_id.as_uuid()),
        destination: None,
        amount: request.amount,
    };
    if let Some(answer) = movement::find_answer(&mut tx, request.refund_id.as_uuid(), &asked).await? {
        return Ok(answer);
    }
    let IntentState::Captured { .. } = payment.intent.state else {
        return Err(Refusal::NotCaptured.into());
    };
    if request.amount.currency() != payment.amount.currency() {
        return Err(Refusal::CurrencyMismatch.into());
    }
    let refunded_minor = refunded_minor(&mut tx, request.payment_id).await?;
    let left_minor = payment.amount.amount_minor().saturating_sub(refunded_minor);
    if request.amount.amount_minor() > left_minor {
        return Err(Refusal::RefundExceedsCaptured.into());
    }
    let answer = insert(&mut tx, request, now).await?;
    let event = ProviderEvent {
        id: format!("evt_refund_completed_{}", request.refund_id.as_uuid().simple()),
        created_at: now,
        kind: ProviderEventKind::RefundCompleted {
            refund_id: request.refund_id,
            payment_id: request.payment_id,
            ticket_id: payment.ticket_id,
        },
    };
    events::record(&mut tx, &[(event, Schedule::once(now))]).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn refunded_minor(tx: &mut PgConnection, payment_id: PaymentId) -> Result<i64, StoreError> {
    let sum = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_minor), 0)::bigint AS "refunded_minor!"
        FROM sandbox.movements
        WHERE payment_id = $1 AND state <> 'failed'"#,
        payment_id.as_uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(sum)
}

async fn insert(tx: &mut PgConnection, request: &CreateRefund, now: Timestamp) -> Result<Movement, StoreError> {
    let provider_ref = format!("re_{}", request.refund_id.as_uuid().simple());
    let inserted = sqlx::query!(
        "INSERT INTO sandbox.movements
            (id, kind, provider_ref, payment_id, amount_minor, currency, state, created_at)
        VALUES ($1, 'refund', $2, $3, $4, $5, 'completed', $6)
        ON CONFLICT DO NOTHING",
        request.refund_id.as_uuid(),
        provider_ref,
        request.payment_id.as_uuid(),
        request.amount.amount_minor(),
        request.amount.currency().code(),
        now,
    )
    .execute(tx)
    .await?;
    if inserted.rows_affected() == 0 {
        // Calls for this payment wait for each other, so whoever took the id meanwhile spoke of another payment.
        return Err(Refusal::IdempotencyMismatch.into());
    }
    Ok(Movement {
        provider_ref,
        state: MovementState::Completed,
    })
}
