//! The checkpoint of a subscriber: how far it is, and which event it saw there.

use sqlx::{PgConnection, PgExecutor};

use crate::Head;

/// Where a subscriber is, if it was ever seen.
pub async fn find(executor: impl PgExecutor<'_>, name: &str, version: i32) -> Result<Option<Head>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT position, hash FROM projection_checkpoint WHERE name = $1 AND version = $2",
        name,
        version,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| Head {
        position: row.position.cast_unsigned(),
        // Anything but 32 bytes (which a CHECK excludes) matches no event, and stops the subscriber.
        hash: row.hash.as_slice().try_into().unwrap_or([0xff; 32]),
    }))
}

/// Where the subscriber is; the start of the log if it was never seen before.
pub(super) async fn load(connection: &mut PgConnection, name: &str, version: i32) -> Result<Head, sqlx::Error> {
    if let Some(found) = find(&mut *connection, name, version).await? {
        return Ok(found);
    }
    sqlx::query!(
        r#"
        INSERT INTO projection_checkpoint (name, version, position, hash)
        VALUES ($1, $2, 0, $3)
        ON CONFLICT (name, version) DO NOTHING
        "#,
        name,
        version,
        &Head::EMPTY.hash[..],
    )
    .execute(&mut *connection)
    .await?;
    let found = find(connection, name, version).await?;
    found.ok_or(sqlx::Error::RowNotFound)
}

/// Moves the checkpoint, if it is still where it was found and nobody else is about to move it.
pub(super) async fn advance(
    transaction: &mut PgConnection,
    (name, version): (&str, i32),
    from: Head,
    to: Head,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        r#"
        UPDATE projection_checkpoint
        SET position = $3, hash = $4, moved_at = now()
        WHERE name = $1 AND version = $2 AND position = $5 AND hash = $6
            AND pg_try_advisory_xact_lock($2, hashtext($1))
        "#,
        name,
        version,
        to.position.cast_signed(),
        &to.hash[..],
        from.position.cast_signed(),
        &from.hash[..],
    )
    .execute(transaction)
    .await?;
    Ok(moved.rows_affected() == 1)
}
