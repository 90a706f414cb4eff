//! Restoring a bundle into an empty database.
//!
//! Everything is one transaction: the bundle is checked while it is copied, and if anything in it is not as it should be, or the
//! work breaks off at whatever step, the database is as empty as it was. The table's keys are taken away for the copy and made
//! again behind it, in the same transaction: PostgreSQL sorts them once then, instead of finding a place for each event.

mod keys;
mod rows;

use std::sync::Arc;

use event_log::LogLimits;
use event_log::stretches::RawEvent;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};

use crate::check::{Trust, Verdict, check};
use crate::format::HeadEntry;
use crate::{ArchiveError, Bundle};
use keys::Keys;
use rows::Rows;

const COPY: &str = "
    COPY events (
        position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash
    ) FROM STDIN (FORMAT binary)";

/// What was restored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    pub events: u64,
    pub head: HeadEntry,
}

/// Restores the log, byte for byte, into a database that has the tables and no event. Refuses one that is in use.
pub async fn import(pool: &PgPool, bundle: &Arc<Bundle>) -> Result<Imported, ArchiveError> {
    let mut connection = pool.acquire().await?.detach();
    let imported = into_empty(&mut connection, bundle).await;
    // What was not committed ends with the session, also where it was broken off in the middle of the copy.
    let _ = connection.close().await;
    imported
}

/// Refuses a database that is in use. One that has no tables yet is empty.
pub async fn require_empty(pool: &PgPool) -> Result<(), ArchiveError> {
    let mut connection = pool.acquire().await?;
    let has_tables = sqlx::query_scalar!(
        r#"
        SELECT to_regclass('events') IS NOT NULL AND to_regclass('projection_checkpoint') IS NOT NULL AS "has_tables!"
        "#
    )
    .fetch_one(&mut *connection)
    .await?;
    if has_tables {
        no_events(&mut connection).await?;
    }
    Ok(())
}

async fn into_empty(connection: &mut PgConnection, bundle: &Arc<Bundle>) -> Result<Imported, ArchiveError> {
    let mut transaction = connection.begin().await?;
    require_no_leader(&mut transaction).await?;
    transaction
        .execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        .await?;
    no_events(&mut transaction).await?;
    let keys = Keys::take_away(&mut transaction).await?;
    // The table takes events from nobody else.
    transaction.execute("SET LOCAL ROLE boxoffice_sequencer").await?;
    let verdict = copy(&mut transaction, bundle).await?;
    let summary = match verdict {
        Verdict::Verified(summary) => summary,
        Verdict::Broken(flaw) => return Err(ArchiveError::Broken(flaw)),
    };
    transaction.execute("RESET ROLE").await?;
    keys.make_again(&mut transaction).await?;
    // PostgreSQL would find out by itself, later, how the table is best read. Behind the commit it would write every page that it
    // looks at to its own log.
    transaction.execute("ANALYZE events").await?;
    transaction.commit().await?;
    Ok(Imported {
        events: summary.events,
        head: summary.head,
    })
}

/// A server would go on writing the log that it knows. None becomes the leader before the transaction is over.
async fn require_no_leader(connection: &mut PgConnection) -> Result<(), ArchiveError> {
    let lock = LogLimits::default().leader_lock;
    let is_free = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "is_free!""#, lock)
        .fetch_one(connection)
        .await?;
    if is_free { Ok(()) } else { Err(ArchiveError::Led) }
}

/// No event, and nobody who has seen one: a view of another log would take this one for a fork of it.
async fn no_events(connection: &mut PgConnection) -> Result<(), ArchiveError> {
    let last = sqlx::query_scalar!("SELECT max(position) FROM events")
        .fetch_one(&mut *connection)
        .await?;
    if let Some(last) = last {
        return Err(ArchiveError::NotEmpty {
            last: last.cast_unsigned(),
        });
    }
    let follower =
        sqlx::query!("SELECT name, position FROM projection_checkpoint WHERE position > 0 ORDER BY name LIMIT 1")
            .fetch_optional(connection)
            .await?;
    match follower {
        Some(row) => Err(ArchiveError::InUse {
            follower: row.name,
            position: row.position.cast_unsigned(),
        }),
        None => Ok(()),
    }
}

async fn copy(connection: &mut PgConnection, bundle: &Arc<Bundle>) -> Result<Verdict, ArchiveError> {
    let mut copy = connection.copy_in_raw(COPY).await?;
    copy.send(rows::HEADER).await?;
    let verdict = check(
        bundle,
        &Trust::default(),
        |rows: &mut Rows, event: &RawEvent<'_>| rows.push(event),
        async |rows: Rows| {
            copy.send(rows.finish()?).await?;
            Ok(())
        },
    )
    .await;
    if let Ok(Verdict::Verified(_)) = verdict {
        copy.send(rows::TRAILER).await?;
        copy.finish().await?;
    } else {
        // The transaction is over in any case.
        let _ = copy.abort("the bundle is not as it should be").await;
    }
    verdict
}
