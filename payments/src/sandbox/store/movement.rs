//! A stored refund or transfer: what was asked, and what became of it.

use domain::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::sandbox::error::{Refusal, StoreError};
use crate::{Movement, MovementState};

/// What a repeat of a call must say again.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Asked<'a> {
    /// `None` for a transfer.
    pub(super) payment_id: Option<Uuid>,
    /// `None` for a refund.
    pub(super) destination: Option<&'a str>,
    pub(super) amount: Money,
}

struct MovementRow {
    provider_ref: String,
    payment_id: Option<Uuid>,
    destination: Option<String>,
    amount_minor: i64,
    currency: String,
    state: String,
    failure_reason: Option<String>,
}

/// The answer given to an earlier call with this id; refused when that call asked for something else.
pub(super) async fn find_answer(
    tx: &mut PgConnection,
    id: Uuid,
    asked: &Asked<'_>,
) -> Result<Option<Movement>, StoreError> {
    let row = sqlx::query_as!(
        MovementRow,
        "SELECT
            provider_ref,
            payment_id,
            destination,
            amount_minor,
            currency,
            state,
            failure_reason
        FROM sandbox.movements
        WHERE id = $1",
        id
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let inconsistent = |column| StoreError::InconsistentRow {
        table: "sandbox.movements",
        column,
        id: id.to_string(),
    };
    let currency: Currency = row.currency.parse().map_err(|_| inconsistent("currency"))?;
    let recorded = Asked {
        payment_id: row.payment_id,
        destination: row.destination.as_deref(),
        amount: Money::new(row.amount_minor, currency),
    };
    if recorded != *asked {
        return Err(Refusal::IdempotencyMismatch.into());
    }
    let state = state_of(&row.state, row.failure_reason).ok_or_else(|| inconsistent("state"))?;
    Ok(Some(Movement {
        provider_ref: row.provider_ref,
        state,
    }))
}

/// `None` for what no row holds.
pub(super) fn state_of(state: &str, failure_reason: Option<String>) -> Option<MovementState> {
    match (state, failure_reason) {
        ("pending", None) => Some(MovementState::Pending),
        ("completed", None) => Some(MovementState::Completed),
        ("failed", Some(reason)) => Some(MovementState::Failed { reason }),
        _ => None,
    }
}
