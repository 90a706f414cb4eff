//! Intents: one row per payment attempt.

use domain::{Currency, Money, PaymentId, TicketId, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::sandbox::error::{Refusal, StoreError};
use crate::sandbox::signature::encode_hex;
use crate::{CreateIntent, Intent, IntentState};

#[derive(Debug)]
pub(in crate::sandbox) struct StoredIntent {
    pub(in crate::sandbox) payment_id: PaymentId,
    pub(in crate::sandbox) ticket_id: TicketId,
    pub(in crate::sandbox) amount: Money,
    pub(in crate::sandbox) intent: Intent,
}

impl StoredIntent {
    /// Compares digests, so that the time taken tells nothing about the secret.
    pub(in crate::sandbox) fn opens_with(&self, client_secret: &str) -> bool {
        Sha256::digest(&self.intent.client_secret) == Sha256::digest(client_secret)
    }
}

struct IntentRow {
    payment_id: Uuid,
    provider_ref: String,
    client_secret: String,
    ticket_id: Uuid,
    amount_minor: i64,
    currency: String,
    state: String,
    fee_minor: i64,
    decline_reason: Option<String>,
}

macro_rules! select_intent {
    ($condition:tt, $key:expr) => {
        sqlx::query_as!(
            IntentRow,
            "SELECT
                payment_id,
                provider_ref,
                client_secret,
                ticket_id,
                amount_minor,
                currency,
                state,
                fee_minor,
                decline_reason
            FROM sandbox.intents "
                + $condition,
            $key
        )
    };
}

impl TryFrom<IntentRow> for StoredIntent {
    type Error = StoreError;

    fn try_from(row: IntentRow) -> Result<Self, Self::Error> {
        let inconsistent = |column| StoreError::InconsistentRow {
            table: "sandbox.intents",
            column,
            id: row.payment_id.to_string(),
        };
        let currency: Currency = row.currency.parse().map_err(|_| inconsistent("currency"))?;
        let state = match (row.state.as_str(), row.decline_reason) {
            ("pending", None) => IntentState::Pending,
            ("captured", None) => IntentState::Captured {
                fee: Money::new(row.fee_minor, currency),
            },
            ("declined", Some(reason)) => IntentState::Declined { reason },
            ("cancelled", None) => IntentState::Cancelled,
            _ => return Err(inconsistent("state")),
        };
        Ok(Self {
            payment_id: PaymentId::from_uuid(row.payment_id),
            ticket_id: TicketId::from_uuid(row.ticket_id),
            amount: Money::new(row.amount_minor, currency),
            intent: Intent {
                provider_ref: row.provider_ref,
                client_secret: row.client_secret,
                state,
            },
        })
    }
}

/// Creates the intent, or returns the one that an earlier call with the same id created.
pub(in crate::sandbox) async fn create(
    pool: &PgPool,
    request: &CreateIntent,
    now: Timestamp,
) -> Result<Intent, StoreError> {
    if !request.amount.is_positive() {
        return Err(Refusal::InvalidAmount.into());
    }
    let provider_ref = format!("pi_{}", request.payment_id.as_uuid().simple());
    let random = encode_hex(&rand::random::<[u8; 32]>());
    sqlx::query!(
        "INSERT INTO sandbox.intents
            (payment_id, provider_ref, client_secret, ticket_id, amount_minor, currency, state, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7)
        ON CONFLICT (payment_id) DO NOTHING",
        request.payment_id.as_uuid(),
        provider_ref,
        format!("{provider_ref}_secret_{random}"),
        request.ticket_id.as_uuid(),
        request.amount.amount_minor(),
        request.amount.currency().code(),
        now,
    )
    .execute(pool)
    .await?;
    let stored = find(pool, request.payment_id).await?;
    if stored.ticket_id != request.ticket_id || stored.amount != request.amount {
        return Err(Refusal::IdempotencyMismatch.into());
    }
    Ok(stored.intent)
}

/// Cancels what is still pending; otherwise tells how the intent ended.
pub(in crate::sandbox) async fn cancel(pool: &PgPool, payment_id: PaymentId) -> Result<Intent, StoreError> {
    // One statement: it waits for a confirmation under way and then looks at the state that one left.
    sqlx::query!(
        "UPDATE sandbox.intents SET state = 'cancelled' WHERE payment_id = $1 AND state = 'pending'",
        payment_id.as_uuid(),
    )
    .execute(pool)
    .await?;
    Ok(find(pool, payment_id).await?.intent)
}

async fn find(pool: &PgPool, payment_id: PaymentId) -> Result<StoredIntent, StoreError> {
    select_intent!("WHERE payment_id = $1", payment_id.as_uuid())
        .fetch_optional(pool)
        .await?
        .ok_or(Refusal::UnknownPayment)?
        .try_into()
}

/// Holds the intent until the transaction ends: its confirmations, cancellation and refunds come one after another.
pub(in crate::sandbox) async fn lock_by_ref(
    tx: &mut PgConnection,
    provider_ref: &str,
) -> Result<Option<StoredIntent>, StoreError> {
    // PostgreSQL's text holds no NUL: such a reference is nobody's, not a failure.
    if provider_ref.contains('\0') {
        return Ok(None);
    }
    let row = select_intent!("WHERE provider_ref = $1 FOR UPDATE", provider_ref)
        .fetch_optional(tx)
        .await?;
    row.map(StoredIntent::try_from).transpose()
}

pub(in crate::sandbox) async fn settle(
    tx: &mut PgConnection,
    payment_id: PaymentId,
    state: &IntentState,
) -> Result<(), StoreError> {
    let (name, fee, reason) = match state {
        IntentState::Pending => ("pending", 0, None),
        IntentState::Captured { fee } => ("captured", fee.amount_minor(), None),
        IntentState::Declined { reason } => ("declined", 0, Some(reason.as_str())),
        IntentState::Cancelled => ("cancelled", 0, None),
    };
    sqlx::query!(
        "UPDATE sandbox.intents SET state = $2, fee_minor = $3, decline_reason = $4 WHERE payment_id = $1",
        payment_id.as_uuid(),
        name,
        fee,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}
