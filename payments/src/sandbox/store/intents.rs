//! Intents: one row per payment attempt.

use std::collections::HashSet;

use domain::{Currency, Money, PaymentId, TicketId, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::sandbox::error::{Refusal, StoreError};
use crate::signature::encode_hex;
use crate::{CreateIntent, Intent, IntentState};

#[derive(Clone, Debug)]
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

macro_rules! select_intents {
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

/// The provider's reference of a payment.
fn reference(payment_id: PaymentId) -> String {
    format!("pi_{}", payment_id.as_uuid().simple())
}

/// Whose reference it is; `None` if it is none of ours.
pub(in crate::sandbox) fn payment_of(provider_ref: &str) -> Option<PaymentId> {
    let payment_id = PaymentId::from_uuid(Uuid::try_parse(provider_ref.strip_prefix("pi_")?).ok()?);
    (reference(payment_id) == provider_ref).then_some(payment_id)
}

/// Creates an intent for each payment that has none, all in one statement, and returns those it created.
pub(in crate::sandbox) async fn create(
    pool: &PgPool,
    requests: &[CreateIntent],
    now: Timestamp,
) -> Result<Vec<StoredIntent>, StoreError> {
    let mut new: Vec<StoredIntent> = requests.iter().map(pending).collect();
    // In one order, so that batches of two processes do not wait for each other in a ring.
    new.sort_by_key(|stored| stored.payment_id);
    new.dedup_by_key(|stored| stored.payment_id);
    let made = sqlx::query_scalar!(
        "INSERT INTO sandbox.intents
            (payment_id, provider_ref, client_secret, ticket_id, amount_minor, currency, state, created_at)
        SELECT payment_id, provider_ref, client_secret, ticket_id, amount_minor, currency, 'pending', $7
        FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[])
            AS new (payment_id, provider_ref, client_secret, ticket_id, amount_minor, currency)
        ON CONFLICT (payment_id) DO NOTHING
        RETURNING payment_id",
        &column(&new, |stored| stored.payment_id.as_uuid()),
        &column(&new, |stored| stored.intent.provider_ref.clone()),
        &column(&new, |stored| stored.intent.client_secret.clone()),
        &column(&new, |stored| stored.ticket_id.as_uuid()),
        &column(&new, |stored| stored.amount.amount_minor()),
        &column(&new, |stored| stored.amount.currency().code().to_owned()),
        now,
    )
    .fetch_all(pool)
    .await?;
    let made: HashSet<Uuid> = made.into_iter().collect();
    new.retain(|stored| made.contains(&stored.payment_id.as_uuid()));
    Ok(new)
}

fn pending(request: &CreateIntent) -> StoredIntent {
    let provider_ref = reference(request.payment_id);
    let random = encode_hex(&rand::random::<[u8; 32]>());
    StoredIntent {
        payment_id: request.payment_id,
        ticket_id: request.ticket_id,
        amount: request.amount,
        intent: Intent {
            client_secret: format!("{provider_ref}_secret_{random}"),
            provider_ref,
            state: IntentState::Pending,
        },
    }
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
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
    Ok(find_one(pool, payment_id).await?.intent)
}

pub(in crate::sandbox) async fn find_by_ref(pool: &PgPool, provider_ref: &str) -> Result<StoredIntent, StoreError> {
    let payment_id = payment_of(provider_ref).ok_or(Refusal::UnknownPayment)?;
    find_one(pool, payment_id).await
}

async fn find_one(pool: &PgPool, payment_id: PaymentId) -> Result<StoredIntent, StoreError> {
    let found: Result<[StoredIntent; 1], _> = find(pool, &[payment_id.as_uuid()]).await?.try_into();
    let [stored] = found.map_err(|_| Refusal::UnknownPayment)?;
    Ok(stored)
}

pub(in crate::sandbox) async fn find(pool: &PgPool, payments: &[Uuid]) -> Result<Vec<StoredIntent>, StoreError> {
    let rows = select_intents!("WHERE payment_id = ANY($1)", payments)
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(StoredIntent::try_from).collect()
}

/// Holds the intents until the transaction ends: confirmations, cancellation and refunds of one come one after another.
/// Taken in one order, so that two who want several do not wait for each other in a ring.
pub(in crate::sandbox) async fn lock(
    tx: &mut PgConnection,
    payments: &[Uuid],
) -> Result<Vec<StoredIntent>, StoreError> {
    let rows = select_intents!("WHERE payment_id = ANY($1) ORDER BY payment_id FOR UPDATE", payments)
        .fetch_all(tx)
        .await?;
    rows.into_iter().map(StoredIntent::try_from).collect()
}

/// Writes the states that these intents have now.
pub(in crate::sandbox) async fn settle(tx: &mut PgConnection, settled: &[StoredIntent]) -> Result<(), StoreError> {
    let fee_minor = |stored: &StoredIntent| match &stored.intent.state {
        IntentState::Captured { fee } => fee.amount_minor(),
        IntentState::Pending | IntentState::RequiresAction | IntentState::Declined { .. } | IntentState::Cancelled => 0,
    };
    let reason = |stored: &StoredIntent| match &stored.intent.state {
        IntentState::Declined { reason } => Some(reason.clone()),
        IntentState::Pending | IntentState::RequiresAction | IntentState::Captured { .. } | IntentState::Cancelled => {
            None
        }
    };
    sqlx::query!(
        "UPDATE sandbox.intents AS intent
        SET state = settled.state, fee_minor = settled.fee_minor, decline_reason = settled.decline_reason
        FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::text[])
            AS settled (payment_id, state, fee_minor, decline_reason)
        WHERE intent.payment_id = settled.payment_id",
        &column(settled, |stored| stored.payment_id.as_uuid()),
        &column(settled, |stored| state_name(&stored.intent.state).to_owned()),
        &column(settled, fee_minor),
        &column(settled, reason) as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

const fn state_name(state: &IntentState) -> &'static str {
    match state {
        // The sandbox's cards ask nobody.
        IntentState::Pending | IntentState::RequiresAction => "pending",
        IntentState::Captured { .. } => "captured",
        IntentState::Declined { .. } => "declined",
        IntentState::Cancelled => "cancelled",
    }
}
