//! How far a database has copied another log.

use sqlx::PgPool;

use crate::Head;
use crate::postgres::read;

/// The last event of the other log that is surely copied; `None` if the events are this database's own.
pub async fn origin(pool: &PgPool) -> Result<Option<Head>, sqlx::Error> {
    let row = sqlx::query!("SELECT position, hash FROM log_origin")
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| Head {
        position: row.position.cast_unsigned(),
        hash: read::hash(&row.hash),
    }))
}

/// What is empty is a copy from now on.
pub(super) async fn begin(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO log_origin (position, hash) SELECT 0, $1 WHERE NOT EXISTS (SELECT FROM events) ON CONFLICT DO NOTHING",
        &Head::EMPTY.hash[..],
    )
    .execute(pool)
    .await
    .map(drop)
}

/// The database's log is its own again: it has not moved, or not wholly.
pub(super) async fn withdraw(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM log_origin WHERE position = 0")
        .execute(pool)
        .await
        .map(drop)
}

/// Never goes back.
pub(super) async fn keep(pool: &PgPool, head: Head) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO log_origin (position, hash) VALUES ($1, $2)
        ON CONFLICT (singleton) DO UPDATE
        SET position = excluded.position, hash = excluded.hash, updated_at = now()
        WHERE log_origin.position < excluded.position
        "#,
        head.position.cast_signed(),
        &head.hash[..],
    )
    .execute(pool)
    .await
    .map(drop)
}
