//! Where a fold is, in a table of its own schema.
#![expect(
    clippy::disallowed_methods,
    reason = "the schema is the analyst's, so its name is known only at run time"
)]

use domain::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, PgPool, Row as _};

use super::{FoldError, FoldPlan, SchemaName};
use crate::SCHEMA;
use crate::install::PROJECTOR;

/// With schema and name, the advisory lock of a fold.
const LOCK_SPACE: i32 = 0x626f_7866;

/// A position, and the event that was seen there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) hash: Vec<u8>,
}

impl Place {
    pub(super) fn beginning() -> Self {
        Self {
            position: 0,
            hash: vec![0; 32],
        }
    }
}

/// What is known of a fold that has run before.
pub(super) struct Known {
    pub(super) place: Place,
    pub(super) sha256: String,
}

pub(super) async fn is_installed(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('analytics.log_head') IS NOT NULL")
        .fetch_one(pool)
        .await
}

/// The connection that keeps others out of a fold. Whatever happens to this process, the lock goes with it.
pub(super) async fn lock(pool: &PgPool, plan: &FoldPlan) -> Result<PgConnection, FoldError> {
    let mut connection = pool.acquire().await?.detach();
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
        .bind(LOCK_SPACE)
        .bind(format!("{}.{}", plan.schema, plan.name))
        .fetch_one(&mut connection)
        .await?;
    if taken {
        Ok(connection)
    } else {
        Err(FoldError::AlreadyRunning {
            schema: plan.schema.clone(),
            name: plan.name.clone(),
        })
    }
}

/// Lets others have what [`lock`] has taken. The server would notice the end of the connection by itself, some moments later.
pub(super) async fn unlock(mut exclusive: PgConnection) {
    let _ = sqlx::query("SELECT pg_advisory_unlock_all()")
        .execute(&mut exclusive)
        .await;
    let _ = exclusive.close().await;
}

/// Makes the schema, if it is not there, as one of folds: its owner may read `analytics` and no more. Says who owns it.
pub(super) async fn make_schema(pool: &PgPool, schema: &SchemaName) -> Result<String, sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    let find = "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = $1";
    let found: Option<String> = sqlx::query_scalar(find)
        .bind(schema.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(owner) = found {
        return Ok(owner);
    }
    let statement = format!("CREATE SCHEMA {schema} AUTHORIZATION {PROJECTOR}");
    sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(PROJECTOR.to_owned())
}

/// From here to the end of the transaction, statements have the rights of the schema's owner, and plain names are those of
/// the schema and of `analytics`.
pub(super) async fn enter(transaction: &mut PgConnection, plan: &FoldPlan, owner: &str) -> Result<(), sqlx::Error> {
    let statements = format!(
        "SET LOCAL ROLE \"{}\"; SET LOCAL search_path = {}, {SCHEMA}; SET LOCAL jit = off;
         SET LOCAL synchronous_commit = off; SET LOCAL statement_timeout = '{}s'",
        owner.replace('"', "\"\""),
        plan.schema,
        plan.page_limit.as_secs().max(1),
    );
    sqlx::raw_sql(&statements).execute(transaction).await?;
    Ok(())
}

/// Makes the table of places, if it is not there.
pub(super) async fn make_table(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let statement = "
        CREATE TABLE IF NOT EXISTS folds (
            name       text PRIMARY KEY,
            sql_sha256 text NOT NULL,
            position   bigint NOT NULL,
            hash       bytea NOT NULL,
            moved_at   timestamptz NOT NULL DEFAULT now()
        )";
    sqlx::raw_sql(statement).execute(transaction).await?;
    Ok(())
}

pub(super) async fn find(transaction: &mut PgConnection, name: &str) -> Result<Option<Known>, sqlx::Error> {
    let row = sqlx::query("SELECT position, hash, sql_sha256 FROM folds WHERE name = $1")
        .bind(name)
        .fetch_optional(transaction)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let position: i64 = row.try_get("position")?;
    let place = Place {
        position: position.cast_unsigned(),
        hash: row.try_get("hash")?,
    };
    let sha256 = row.try_get("sql_sha256")?;
    Ok(Some(Known { place, sha256 }))
}

/// Puts a fold at the beginning.
pub(super) async fn begin(transaction: &mut PgConnection, plan: &FoldPlan) -> Result<(), sqlx::Error> {
    let start = Place::beginning();
    sqlx::query(
        "INSERT INTO folds (name, sql_sha256, position, hash) VALUES ($1, $2, 0, $3)
         ON CONFLICT (name) DO UPDATE SET sql_sha256 = $2, position = 0, hash = $3, moved_at = now()",
    )
    .bind(&plan.name)
    .bind(plan.script.sha256())
    .bind(&start.hash)
    .execute(transaction)
    .await?;
    Ok(())
}

/// Moves a fold's place to a position of the log; `None` if it is not where it was found, the log does not hold the event that was
/// seen there, or has no such event.
pub(super) async fn advance(
    transaction: &mut PgConnection,
    name: &str,
    from: u64,
    to: u64,
) -> Result<Option<Place>, sqlx::Error> {
    let hash: Option<Vec<u8>> = sqlx::query_scalar(
        "UPDATE folds SET position = $3, hash = event.hash, moved_at = now()
         FROM analytics.events AS event
         WHERE name = $1 AND folds.position = $2 AND event.position = $3
           AND ($2 = 0 OR EXISTS (
               SELECT FROM analytics.events AS seen WHERE seen.position = $2 AND seen.hash = folds.hash
           ))
         RETURNING event.hash",
    )
    .bind(name)
    .bind(from.cast_signed())
    .bind(to.cast_signed())
    .fetch_optional(transaction)
    .await?;
    Ok(hash.map(|hash| Place { position: to, hash }))
}

/// Whether the log still holds the event that a fold has seen last.
pub(super) async fn is_in_log(pool: &PgPool, place: &Place) -> Result<bool, sqlx::Error> {
    if place.position == 0 {
        return Ok(true);
    }
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM analytics.events WHERE position = $1 AND hash = $2)")
        .bind(place.position.cast_signed())
        .bind(&place.hash)
        .fetch_one(pool)
        .await
}

/// The number of the transaction: it changes when statements end it.
pub(super) async fn transaction_id(transaction: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_current_xact_id()::text")
        .fetch_one(transaction)
        .await
}

pub(super) async fn run(transaction: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(transaction).await?;
    Ok(())
}

/// The position of the last event.
pub(super) async fn head(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce((SELECT position FROM analytics.log_head), 0)")
        .fetch_one(pool)
        .await?;
    Ok(head.cast_unsigned())
}

/// The position of the last event that was recorded by then: times never go back along the log.
pub(super) async fn position_at(pool: &PgPool, time: Timestamp) -> Result<u64, sqlx::Error> {
    let (mut before, mut behind) = (0, head(pool).await? + 1);
    while behind - before > 1 {
        let middle = before.midpoint(behind);
        let recorded: Option<bool> =
            sqlx::query_scalar("SELECT recorded_at <= $2 FROM analytics.events WHERE position = $1")
                .bind(middle.cast_signed())
                .bind(time)
                .fetch_optional(pool)
                .await?;
        if recorded.unwrap_or_default() {
            before = middle;
        } else {
            behind = middle;
        }
    }
    Ok(before)
}

/// Has the planner look at the tables of a schema: they were empty when it looked last.
pub(super) async fn look(pool: &PgPool, plan: &FoldPlan, owner: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    enter(&mut transaction, plan, owner).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(relname) FROM pg_class
         WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND relowner = current_user::regrole",
    )
    .bind(plan.schema.as_str())
    .fetch_all(&mut *transaction)
    .await?;
    for table in tables {
        let statement = format!("ANALYZE {table}");
        sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
