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
