//! The table of webhooks.

use domain::Timestamp;
use sqlx::PgPool;

use super::intake::Received;

/// Keeps webhooks. They are durable when this returns: only then is the provider answered.
pub(super) async fn store(pool: &PgPool, provider: &str, received: Vec<Received>) -> sqlx::Result<()> {
    let (bodies, times): (Vec<Vec<u8>>, Vec<Timestamp>) = received
        .into_iter()
        .map(|received| (received.body, received.at))
        .unzip();
    sqlx::query!(
        "INSERT INTO provider_webhooks (provider, body, received_at, retry_at)
         SELECT $1, body, received_at, received_at
         FROM UNNEST($2::bytea[], $3::timestamptz[]) AS received (body, received_at)",
        provider,
        &bodies,
        &times,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A webhook that is due to be read.
#[derive(Debug)]
pub(super) struct DueWebhook {
    pub(super) id: i64,
    pub(super) body: Vec<u8>,
    /// How often it was read in vain.
    pub(super) attempts: i32,
}

pub(super) async fn find_due(
    pool: &PgPool,
    provider: &str,
    now: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<DueWebhook>> {
    sqlx::query_as!(
        DueWebhook,
        "SELECT id, body, attempts
         FROM provider_webhooks
         WHERE provider = $1 AND retry_at <= $2
         ORDER BY retry_at, id
         LIMIT $3",
        provider,
        now,
        limit,
    )
    .fetch_all(pool)
    .await
}

pub(super) async fn mark_handled(pool: &PgPool, ids: &[i64], now: Timestamp) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE provider_webhooks SET handled_at = $2, retry_at = NULL, error = NULL WHERE id = ANY($1)",
        ids,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// `retry_at`: when to read it again; `None` puts it aside.
pub(super) async fn mark_failed(
    pool: &PgPool,
    id: i64,
    error: &str,
    counts: bool,
    retry_at: Option<Timestamp>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE provider_webhooks SET error = $2, attempts = attempts + $3, retry_at = $4 WHERE id = $1",
        id,
        error,
        i32::from(counts),
        retry_at,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A webhook that waits for a human.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookRow {
    pub id: i64,
    pub provider: String,
    pub received_at: Timestamp,
    pub attempts: i32,
    pub error: Option<String>,
}

/// Webhooks that were put aside, the newest first.
pub async fn list_put_aside(pool: &PgPool, limit: u32) -> sqlx::Result<Vec<WebhookRow>> {
    sqlx::query_as!(
        WebhookRow,
        "SELECT id, provider, received_at, attempts, error
         FROM provider_webhooks
         WHERE handled_at IS NULL AND retry_at IS NULL
         ORDER BY id DESC
         LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}

/// Has a webhook read again that was put aside. `false` if there is none with this id.
pub async fn reread(pool: &PgPool, id: i64, now: Timestamp) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE provider_webhooks SET retry_at = $2, attempts = 0
         WHERE id = $1 AND handled_at IS NULL AND retry_at IS NULL",
        id,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has every webhook read again that was put aside, and says how many there were.
pub async fn reread_put_aside(pool: &PgPool, now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE provider_webhooks SET retry_at = $1, attempts = 0 WHERE handled_at IS NULL AND retry_at IS NULL",
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Which stored webhooks to read once more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    pub provider: Option<String>,
    /// One of them, by its number.
    pub id: Option<i64>,
    /// Those received from then,
    pub since: Option<Timestamp>,
    /// and before then.
    pub until: Option<Timestamp>,
}

/// Has stored webhooks read once more, handled or not, from their bodies as they came; says how many. What was applied
/// before records nothing.
pub async fn replay(pool: &PgPool, which: &Replay, now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE provider_webhooks SET retry_at = $5, attempts = 0, handled_at = NULL
         WHERE ($1::text IS NULL OR provider = $1)
           AND ($2::bigint IS NULL OR id = $2)
           AND ($3::timestamptz IS NULL OR received_at >= $3)
           AND ($4::timestamptz IS NULL OR received_at < $4)",
        which.provider,
        which.id,
        which.since,
        which.until,
        now,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Stored webhooks, handled ones too, the newest first.
pub async fn list_webhooks(pool: &PgPool, limit: u32) -> sqlx::Result<Vec<WebhookRow>> {
    sqlx::query_as!(
        WebhookRow,
        "SELECT id, provider, received_at, attempts, error
         FROM provider_webhooks
         ORDER BY id DESC
         LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InboxCounts {
    /// Still to be read.
    pub open: i64,
    /// Waiting for a human.
    pub put_aside: i64,
}

pub async fn count(pool: &PgPool) -> sqlx::Result<InboxCounts> {
    sqlx::query_as!(
        InboxCounts,
        r#"SELECT
             (SELECT count(*) FROM provider_webhooks WHERE retry_at IS NOT NULL) AS "open!",
             (SELECT count(*) FROM provider_webhooks WHERE retry_at IS NULL AND handled_at IS NULL) AS "put_aside!""#,
    )
    .fetch_one(pool)
    .await
}
