//! Transfers to hosts. A destination that contains "fail" fails.

use domain::{Currency, Money, PayoutId, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::deliveries::Schedule;
use super::events;
use super::movement::{self, Asked};
use crate::sandbox::error::{Refusal, StoreError};
use crate::{CreateTransfer, Movement, MovementState, ProviderEvent, ProviderEventKind};

const FAILING: &str = "fail";
const FAILURE_REASON: &str = "destination_refused";

/// Pays or fails at once, or repeats the answer of an earlier call with the same id.
pub(in crate::sandbox) async fn transfer(
    pool: &PgPool,
    request: &CreateTransfer,
    now: Timestamp,
) -> Result<Movement, StoreError> {
    if !request.amount.is_positive() {
        return Err(Refusal::InvalidAmount.into());
    }
    // PostgreSQL's text holds no NUL.
    if request.destination.is_empty() || request.destination.contains('\0') {
        return Err(Refusal::InvalidDestination.into());
    }
    let failure = request.destination.contains(FAILING).then_some(FAILURE_REASON);
    let key = request.payout_id.as_uuid();
    let mut tx = pooling::begin(pool).await?;
    // A second call waits here until the first has committed, and then reads that one's answer.
    let inserted = sqlx::query!(
        "INSERT INTO sandbox.movements
            (id, kind, provider_ref, destination, amount_minor, currency, state, failure_reason, created_at)
        VALUES ($1, 'transfer', $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING",
        key,
        format!("tr_{}", key.simple()),
        request.destination,
        request.amount.amount_minor(),
        request.amount.currency().code(),
        if failure.is_some() { "failed" } else { "completed" },
        failure,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let asked = Asked {
        payment_id: None,
        destination: Some(&request.destination),
        amount: request.amount,
    };
    let answer = movement::find_answer(&mut tx, key, &asked)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    if inserted.rows_affected() > 0 {
        let event = event_of(request, &answer.state, now);
        events::record(&mut tx, &[(event, Schedule::once(now))]).await?;
    }
    tx.commit().await?;
    Ok(answer)
}

/// A transfer and what became of it; whoever else decides on it waits.
pub(in crate::sandbox) async fn lock(
    tx: &mut PgConnection,
    payout_id: PayoutId,
) -> Result<Option<(Money, MovementState)>, StoreError> {
    let row = sqlx::query!(
        "SELECT
            amount_minor,
            currency,
            state,
            failure_reason
        FROM sandbox.movements
        WHERE id = $1 AND kind = 'transfer'
        FOR UPDATE",
        payout_id.as_uuid()
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let inconsistent = |column| StoreError::InconsistentRow {
        table: "sandbox.movements",
        column,
        id: payout_id.to_string(),
    };
    let currency: Currency = row.currency.parse().map_err(|_| inconsistent("currency"))?;
    let state = movement::state_of(&row.state, row.failure_reason).ok_or_else(|| inconsistent("state"))?;
    Ok(Some((Money::new(row.amount_minor, currency), state)))
}

fn event_of(request: &CreateTransfer, state: &MovementState, now: Timestamp) -> ProviderEvent {
    let payout_id = request.payout_id;
    let key = payout_id.as_uuid().simple();
    let (id, kind) = match state {
        MovementState::Failed { reason } => (
            format!("evt_transfer_failed_{key}"),
            ProviderEventKind::TransferFailed {
                payout_id,
                reason: reason.clone(),
            },
        ),
        MovementState::Pending | MovementState::Completed => (
            format!("evt_transfer_paid_{key}"),
            ProviderEventKind::TransferPaid { payout_id },
        ),
    };
    ProviderEvent {
        id,
        created_at: now,
        kind,
    }
}
