//! Which letters were sent, by name.

use domain::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

pub(super) async fn was_sent(pool: &PgPool, message: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mails_sent WHERE message_id = $1) AS "was_sent!""#,
        message
    )
    .fetch_one(pool)
    .await
}

pub(super) async fn mark_sent(pool: &PgPool, message: Uuid, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO mails_sent (message_id, sent_at) VALUES ($1, $2) ON CONFLICT (message_id) DO NOTHING",
        message,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets letters whose jobs are forgotten as well. Says how many.
pub(crate) async fn prune(pool: &PgPool, sent_before: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM mails_sent WHERE sent_at < $1", sent_before)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
