//! The schemas of views: made, entered by writers, renamed by a rebuild.
#![expect(
    clippy::disallowed_methods,
    reason = "the tables of a view exist once per side, so their schema is known only at run time"
)]

use sqlx::{PgConnection, PgPool, Row as _};

use crate::View;
use crate::view::Side;

/// Serialises processes that start on an empty database at the same moment.
const CREATE_LOCK: i64 = 0x626f_785f_7669_6577;

pub(crate) fn name(view: View, side: Side) -> String {
    match side {
        Side::Live => format!("view_{view}"),
        Side::Next => format!("view_{view}_next"),
        Side::Old => format!("view_{view}_old"),
    }
}

pub(crate) fn checkpoint_name(view: View, side: Side) -> String {
    match side {
        Side::Live => view.as_str().to_owned(),
        Side::Next => format!("{view}_next"),
        Side::Old => format!("{view}_old"),
    }
}

/// From here to the end of the transaction, or [`leave`], plain table names are those of `schema`.
pub(crate) async fn enter(schema: &str, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', $1, true)")
        .bind(schema)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(crate) async fn leave(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET LOCAL search_path TO DEFAULT")
        .execute(transaction)
        .await?;
    Ok(())
}

/// Enters a view's schema until the transaction ends, and says which version its tables are of.
///
/// A page asks for some hundred rows by their keys. The planner does not know how many an array names, and takes tables that
/// grow by the second for small: it would read them whole and join by hashing, for a third of all pages.
pub(crate) async fn enter_versioned(schema: &str, transaction: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let enter = format!(
        "SELECT version, set_config('search_path', '{schema}', true),
             set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
             set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
         FROM {schema}.about LIMIT 1"
    );
    let row = sqlx::query(&enter).fetch_one(transaction).await?;
    row.try_get(0)
}

/// The version of a view's live tables; `None` if there are none.
pub(crate) async fn live_version(view: View, connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
    let about = format!("{}.about", name(view, Side::Live));
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(&about)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(None);
    }
    sqlx::query_scalar(&format!("SELECT version FROM {about} LIMIT 1"))
        .fetch_optional(connection)
        .await
}

/// What [`create_missing`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Tables of this version, made just now or before.
    Current,
    /// Tables of another version: a rebuild has to replace them.
    Stale,
}

/// Makes a view's live tables, empty and at position 0, if it has none.
pub(crate) async fn create_missing(pool: &PgPool, view: View) -> Result<Found, sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(CREATE_LOCK)
        .execute(&mut *transaction)
        .await?;
    let found = match live_version(view, &mut transaction).await? {
        None => {
            create(view, Side::Live, &mut transaction).await?;
            Found::Current
        }
        Some(version) if version == view.version() => Found::Current,
        Some(_) => Found::Stale,
    };
    transaction.commit().await?;
    Ok(found)
}

/// Makes the tables of one side from nothing (the next side without indexes for readers: see [`finish`]), with a checkpoint at position 0. What was there is gone.
pub(crate) async fn create(view: View, side: Side, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let schema = name(view, side);
    execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), transaction).await?;
    create_tables(&schema, view, transaction).await?;
    if side == Side::Live {
        finish_tables(&schema, view, transaction).await?;
    }
    let checkpoint = checkpoint_name(view, side);
    sqlx::query!("DELETE FROM projection_checkpoint WHERE name = $1", checkpoint)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!(
        "INSERT INTO projection_checkpoint (name, version, position, hash) VALUES ($1, $2, 0, $3)",
        checkpoint,
        view.version(),
        &[0_u8; 32][..],
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Makes a view's tables in a schema that is not there yet, without indexes for readers.
pub(crate) async fn create_tables(schema: &str, view: View, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    execute(&format!("CREATE SCHEMA {schema}"), transaction).await?;
    enter(schema, transaction).await?;
    execute(view.tables(), transaction).await?;
    execute("CREATE TABLE about (version int NOT NULL)", transaction).await?;
    sqlx::query("INSERT INTO about (version) VALUES ($1)")
        .bind(view.version())
        .execute(&mut *transaction)
        .await?;
    leave(transaction).await
}

/// Makes what readers need beside the tables, once a rebuild has filled them.
pub(crate) async fn finish(view: View, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    finish_tables(&name(view, Side::Next), view, transaction).await
}

/// The same in any schema.
pub(crate) async fn finish_tables(schema: &str, view: View, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    enter(schema, transaction).await?;
    execute(view.indexes(), transaction).await?;
    leave(transaction).await
}

/// Puts the next side in the place of the live one. The replaced tables stay, under another name, for readers that are
/// in the middle of them.
pub(crate) async fn swap(view: View, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let [live, next, old] = [Side::Live, Side::Next, Side::Old].map(|side| name(view, side));
    execute(
        &format!("ALTER SCHEMA {live} RENAME TO {old}; ALTER SCHEMA {next} RENAME TO {live};"),
        transaction,
    )
    .await
}

/// Drops one side's tables and its checkpoint. Gives up on readers that do not let go of them.
pub(crate) async fn discard(view: View, side: Side, pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    execute(
        &format!(
            "SET LOCAL lock_timeout = '10s'; DROP SCHEMA IF EXISTS {} CASCADE;",
            name(view, side)
        ),
        &mut transaction,
    )
    .await?;
    sqlx::query!(
        "DELETE FROM projection_checkpoint WHERE name = $1",
        checkpoint_name(view, side)
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

async fn execute(statements: &str, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(connection).await?;
    Ok(())
}
