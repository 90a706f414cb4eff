//! What a replay knows of itself: which views it fills, under which rules, and how far each is.
#![expect(
    clippy::disallowed_methods,
    reason = "a replay's schemas are named by whoever starts it, so they are known only at run time"
)]

use event_log::Head;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, PgPool, Row as _};

use super::{ReplayIntoError, ReplaySchema};
use crate::{View, schema};

/// With the schema's name, the advisory lock of its replay.
const LOCK_SPACE: i32 = 0x626f_7278;

/// The connection that keeps others out of a schema. Whatever happens to this process, the lock goes with it.
pub(super) async fn lock(pool: &PgPool, into: &ReplaySchema) -> Result<PgConnection, ReplayIntoError> {
    let mut connection = pool.acquire().await?.detach();
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
        .bind(LOCK_SPACE)
        .bind(into.as_str())
        .fetch_one(&mut connection)
        .await?;
    if taken {
        Ok(connection)
    } else {
        Err(ReplayIntoError::AlreadyRunning(into.clone()))
    }
}

/// Lets others have what [`lock`] has taken. The server would notice the end of the connection by itself, some moments later.
pub(super) async fn unlock(mut exclusive: PgConnection) {
    let _ = sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(&mut exclusive)
        .await;
    let _ = exclusive.close().await;
}

/// Makes the schema of a replay, if it is not there.
pub(super) async fn create_missing(pool: &PgPool, into: &ReplaySchema) -> Result<(), ReplayIntoError> {
    let mut transaction = pooling::begin(pool).await?;
    if !is_replay(into, &mut transaction).await? {
        refuse_taken(into.as_str(), &mut transaction).await?;
        let statements = format!(
            "CREATE SCHEMA {into};
             CREATE TABLE {into}.replay (
                 view       text PRIMARY KEY,
                 version    int NOT NULL,
                 rules      text NOT NULL,
                 position   bigint NOT NULL DEFAULT 0,
                 hash       bytea NOT NULL,
                 is_indexed bool NOT NULL DEFAULT false
             )"
        );
        sqlx::raw_sql(&statements).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn is_replay(into: &ReplaySchema, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1 || '.replay') IS NOT NULL")
        .bind(into.as_str())
        .fetch_one(connection)
        .await
}

async fn refuse_taken(name: &str, connection: &mut PgConnection) -> Result<(), ReplayIntoError> {
    let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await?;
    if taken {
        return Err(ReplayIntoError::Foreign(name.to_owned()));
    }
    Ok(())
}

/// Where a view is; at the beginning, with empty tables, if it was not there.
pub(super) async fn find_or_create(
    pool: &PgPool,
    into: &ReplaySchema,
    view: View,
    rules: &str,
) -> Result<Head, ReplayIntoError> {
    let mut transaction = pooling::begin(pool).await?;
    let found = sqlx::query(&format!(
        "SELECT version, rules, position, hash FROM {into}.replay WHERE view = $1"
    ))
    .bind(view.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = found else {
        let tables = into.of(view);
        refuse_taken(&tables, &mut transaction).await?;
        schema::create_tables(&tables, view, &mut transaction).await?;
        sqlx::query(&format!(
            "INSERT INTO {into}.replay (view, version, rules, hash) VALUES ($1, $2, $3, $4)"
        ))
        .bind(view.as_str())
        .bind(view.version())
        .bind(rules)
        .bind(&Head::EMPTY.hash[..])
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        return Ok(Head::EMPTY);
    };
    let version: i32 = row.try_get("version")?;
    if version != view.version() {
        return Err(ReplayIntoError::Stale {
            view,
            found: version,
            expected: view.version(),
        });
    }
    let found: String = row.try_get("rules")?;
    if found != rules {
        return Err(ReplayIntoError::OtherRules {
            view,
            found,
            wanted: rules.to_owned(),
        });
    }
    let position: i64 = row.try_get("position")?;
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(Head {
        position: position.cast_unsigned(),
        // Anything but 32 bytes matches no event, and is found as a fork.
        hash: hash.as_slice().try_into().unwrap_or([0xff; 32]),
    })
}

/// Whether the log still holds the event that a view has seen last.
pub(super) async fn is_in_log(pool: &PgPool, at: Head) -> Result<bool, sqlx::Error> {
    if at.position == 0 {
        return Ok(true);
    }
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM events WHERE position = $1 AND hash = $2) AS "found!""#,
        at.position.cast_signed(),
        &at.hash[..],
    );
    found.fetch_one(pool).await
}

/// Moves a view's place; `false` if it is not where it was found.
pub(super) async fn advance(
    transaction: &mut PgConnection,
    (into, view): (&ReplaySchema, View),
    from: Head,
    to: Head,
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(&format!(
        "UPDATE {into}.replay SET position = $2, hash = $3 WHERE view = $1 AND position = $4"
    ))
    .bind(view.as_str())
    .bind(to.position.cast_signed())
    .bind(&to.hash[..])
    .bind(from.position.cast_signed())
    .execute(transaction)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Makes the indexes for readers, once.
pub(super) async fn finish(pool: &PgPool, into: &ReplaySchema, view: View) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    let first = sqlx::query(&format!(
        "UPDATE {into}.replay SET is_indexed = true WHERE view = $1 AND NOT is_indexed"
    ))
    .bind(view.as_str())
    .execute(&mut *transaction)
    .await?;
    if first.rows_affected() == 1 {
        schema::finish_tables(&into.of(view), view, &mut transaction).await?;
    }
    transaction.commit().await
}

/// Drops what a replay into this schema has made; nothing if there was none. What is no replay's is refused.
pub async fn discard(pool: &PgPool, into: &ReplaySchema) -> Result<(), ReplayIntoError> {
    let exclusive = lock(pool, into).await?;
    let dropped = drop_all(pool, into).await;
    unlock(exclusive).await;
    dropped
}

async fn drop_all(pool: &PgPool, into: &ReplaySchema) -> Result<(), ReplayIntoError> {
    let mut transaction = pooling::begin(pool).await?;
    if !is_replay(into, &mut transaction).await? {
        return refuse_taken(into.as_str(), &mut transaction).await;
    }
    let names: Vec<String> = sqlx::query_scalar(&format!("SELECT view FROM {into}.replay"))
        .fetch_all(&mut *transaction)
        .await?;
    // Views of older programs that have other names now are left alone.
    let views = names.iter().filter_map(|name| name.parse::<View>().ok());
    let schemas = views.map(|view| into.of(view)).chain([into.as_str().to_owned()]);
    for schema in schemas {
        let statement = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
