//! The tables of subscriptions and their secrets.

use domain::{SubscriptionId, Timestamp};
use sqlx::PgPool;
use thiserror::Error;
use uuid::Uuid;

use super::{Change, NewSubscription, PausedReason, SUBSCRIPTIONS_MAX, Secret, Subscription};

/// Old secrets that still sign, beside the current one.
const OLD_SECRETS_MAX: i64 = 4;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("there are {SUBSCRIPTIONS_MAX} subscriptions already")]
    TooMany,
    #[error("the table of subscriptions")]
    Database(#[from] sqlx::Error),
    /// A stored subscription is none.
    #[error("subscription {id} has a {column} that is none")]
    InconsistentRow { id: Uuid, column: &'static str },
}

/// How setting a cursor ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rewound {
    Done(Box<Subscription>),
    /// The log does not reach that far.
    BeyondTheEnd,
    Unknown,
}

struct Row {
    id: Uuid,
    seq: i64,
    url: String,
    description: String,
    event_types: Vec<String>,
    paused_reason: Option<String>,
    position: i64,
    term: i64,
    failures: i32,
    failing_since: Option<Timestamp>,
    retry_at: Option<Timestamp>,
    last_error: Option<String>,
    delivered_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Subscription {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let wrong = |column| StoreError::InconsistentRow { id: row.id, column };
        let number = |value: i64, column| u64::try_from(value).map_err(|_| wrong(column));
        let paused = row.paused_reason.as_deref().map(|name| {
            let known = PausedReason::ALL.into_iter().find(|reason| reason.name() == name);
            known.ok_or_else(|| wrong("paused_reason"))
        });
        Ok(Self {
            id: SubscriptionId::from_uuid(row.id),
            seq: number(row.seq, "seq")?,
            paused: paused.transpose()?,
            position: number(row.position, "position")?,
            term: row.term,
            failures: u32::try_from(row.failures).map_err(|_| wrong("failures"))?,
            url: row.url,
            description: row.description,
            event_types: row.event_types,
            failing_since: row.failing_since,
            retry_at: row.retry_at,
            last_error: row.last_error,
            delivered_at: row.delivered_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn one(row: Option<Row>) -> Result<Option<Subscription>, StoreError> {
    row.map(Subscription::try_from).transpose()
}

/// Keeps a new subscription with its secret.
pub(super) async fn create(pool: &PgPool, new: &NewSubscription, secret: &Secret) -> Result<Subscription, StoreError> {
    let mut transaction = pooling::begin(pool).await?;
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO webhook_subscriptions (id, url, description, event_types, position, created_at, updated_at)
         SELECT $1, $2, $3, $4, $5, $6, $6
         WHERE (SELECT count(*) FROM webhook_subscriptions) < $7
         RETURNING id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at",
        new.id.as_uuid(),
        new.url,
        new.description,
        &new.event_types,
        new.position.cast_signed(),
        new.at,
        i64::from(SUBSCRIPTIONS_MAX),
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let created = one(row)?.ok_or(StoreError::TooMany)?;
    sqlx::query!(
        "INSERT INTO webhook_secrets (subscription_id, secret, created_at) VALUES ($1, $2, $3)",
        new.id.as_uuid(),
        secret.as_bytes(),
        new.at,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(created)
}

pub(super) async fn find(pool: &PgPool, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at
         FROM webhook_subscriptions
         WHERE id = $1",
        id.as_uuid(),
    )
    .fetch_optional(pool)
    .await?;
    one(row)
}

/// The oldest first; `after` is the `seq` of the last one seen.
pub(super) async fn list(pool: &PgPool, after: u64, limit: u32) -> Result<Vec<Subscription>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at
         FROM webhook_subscriptions
         WHERE seq > $1
         ORDER BY seq
         LIMIT $2",
        after.cast_signed(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Subscription::try_from).collect()
}

pub(super) async fn change(
    pool: &PgPool,
    id: SubscriptionId,
    change: &Change,
    at: Timestamp,
) -> Result<Option<Subscription>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE webhook_subscriptions
         SET url = coalesce($2, url), description = coalesce($3, description), event_types = coalesce($4, event_types),
             term = term + 1, retry_at = NULL, updated_at = $5
         WHERE id = $1
         RETURNING id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at",
        id.as_uuid(),
        change.url.as_deref(),
        change.description.as_deref(),
        change.event_types.as_deref(),
        at,
    )
    .fetch_optional(pool)
    .await?;
    one(row)
}

/// `false` if there is none.
pub(super) async fn delete(pool: &PgPool, id: SubscriptionId) -> Result<bool, StoreError> {
    let done = sqlx::query!("DELETE FROM webhook_subscriptions WHERE id = $1", id.as_uuid())
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Pausing what is paused already leaves the reason as it is.
pub(super) async fn pause(
    pool: &PgPool,
    id: SubscriptionId,
    at: Timestamp,
) -> Result<Option<Subscription>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE webhook_subscriptions
         SET paused_reason = coalesce(paused_reason, 'operator'), term = term + 1, retry_at = NULL, updated_at = $2
         WHERE id = $1
         RETURNING id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at",
        id.as_uuid(),
        at,
    )
    .fetch_optional(pool)
    .await?;
    one(row)
}

/// From where it is, with all its tries.
pub(super) async fn resume(
    pool: &PgPool,
    id: SubscriptionId,
    at: Timestamp,
) -> Result<Option<Subscription>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE webhook_subscriptions
         SET paused_reason = NULL, term = term + 1, failures = 0, failing_since = NULL, retry_at = NULL, last_error = NULL,
             updated_at = $2
         WHERE id = $1
         RETURNING id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at",
        id.as_uuid(),
        at,
    )
    .fetch_optional(pool)
    .await?;
    one(row)
}

/// Sets the cursor. A paused subscription stays paused.
pub(super) async fn rewind(
    pool: &PgPool,
    id: SubscriptionId,
    position: u64,
    at: Timestamp,
) -> Result<Option<Subscription>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "UPDATE webhook_subscriptions
         SET position = $2, term = term + 1, failures = 0, failing_since = NULL, retry_at = NULL, last_error = NULL,
             updated_at = $3
         WHERE id = $1
         RETURNING id, seq, url, description, event_types, paused_reason, position, term, failures, failing_since,
             retry_at, last_error, delivered_at, created_at, updated_at",
        id.as_uuid(),
        position.cast_signed(),
        at,
    )
    .fetch_optional(pool)
    .await?;
    one(row)
}

/// A new secret; those before it sign on until `old_until`. `false` if there is no such subscription.
pub(super) async fn rotate(
    pool: &PgPool,
    id: SubscriptionId,
    secret: &Secret,
    old_until: Timestamp,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut transaction = pooling::begin(pool).await?;
    let known = sqlx::query!(
        "UPDATE webhook_subscriptions SET term = term + 1, updated_at = $2 WHERE id = $1",
        id.as_uuid(),
        at,
    )
    .execute(&mut *transaction)
    .await?;
    if known.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE webhook_secrets SET expires_at = $2 WHERE subscription_id = $1 AND expires_at IS NULL",
        id.as_uuid(),
        old_until,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "DELETE FROM webhook_secrets
         WHERE subscription_id = $1 AND (expires_at <= $2 OR secret IN (
             SELECT secret FROM webhook_secrets
             WHERE subscription_id = $1 ORDER BY created_at DESC, secret OFFSET $3
         ))",
        id.as_uuid(),
        at,
        OLD_SECRETS_MAX,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "INSERT INTO webhook_secrets (subscription_id, secret, created_at) VALUES ($1, $2, $3)",
        id.as_uuid(),
        secret.as_bytes(),
        at,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

/// What signs now, the newest first.
pub(super) async fn secrets(pool: &PgPool, id: SubscriptionId, now: Timestamp) -> Result<Vec<Secret>, StoreError> {
    let rows = sqlx::query_scalar!(
        "SELECT secret FROM webhook_secrets
         WHERE subscription_id = $1 AND (expires_at IS NULL OR expires_at > $2)
         ORDER BY created_at DESC
         LIMIT $3",
        id.as_uuid(),
        now,
        OLD_SECRETS_MAX + 1,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Secret::from_bytes).collect())
}

/// Those that have something to do now, as far as their own row tells.
pub(super) async fn find_due(pool: &PgPool, now: Timestamp) -> Result<Vec<SubscriptionId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM webhook_subscriptions
         WHERE paused_reason IS NULL AND (retry_at IS NULL OR retry_at <= $1)
         ORDER BY seq
         LIMIT $2",
        now,
        i64::from(SUBSCRIPTIONS_MAX),
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(SubscriptionId::from_uuid).collect())
}

/// Moves the cursor forward, unless somebody changed the subscription meanwhile. `delivered_at` is absent where the events
/// passed were none of its concern.
pub(super) async fn advance(
    pool: &PgPool,
    subscription: &Subscription,
    to: u64,
    delivered_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE webhook_subscriptions
         SET position = $3,
             delivered_at = coalesce($4, delivered_at),
             failures = CASE WHEN $4::timestamptz IS NULL THEN failures ELSE 0 END,
             failing_since = CASE WHEN $4::timestamptz IS NULL THEN failing_since END,
             last_error = CASE WHEN $4::timestamptz IS NULL THEN last_error END,
             retry_at = NULL
         WHERE id = $1 AND term = $2 AND paused_reason IS NULL",
        subscription.id.as_uuid(),
        subscription.term,
        to.cast_signed(),
        delivered_at,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How a failure is written down.
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) at: Timestamp,
    pub(super) retry_at: Timestamp,
    pub(super) paused: Option<PausedReason>,
}

pub(super) async fn fail(pool: &PgPool, subscription: &Subscription, failure: &Failure) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE webhook_subscriptions
         SET failures = failures + 1,
             failing_since = coalesce(failing_since, $3),
             retry_at = CASE WHEN $5::text IS NULL THEN $4::timestamptz END,
             last_error = $6,
             paused_reason = $5,
             term = CASE WHEN $5::text IS NULL THEN term ELSE term + 1 END
         WHERE id = $1 AND term = $2 AND paused_reason IS NULL",
        subscription.id.as_uuid(),
        subscription.term,
        failure.at,
        failure.retry_at,
        failure.paused.map(PausedReason::name),
        failure.error,
    )
    .execute(pool)
    .await?;
    Ok(())
}
