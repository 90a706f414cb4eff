//! Fills a view anew beside the live one, and swaps the two in one transaction.
//!
//! Readers see the old rows until the swap and the new ones after it, never a half-built view. It works while other
//! processes follow the log: the swap holds the live checkpoint's row, so no live page is in the middle of being written,
//! and the live subscription goes on from the checkpoint that the swap leaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::EventLog;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tracing::{info, warn};

use crate::error::chain;
use crate::next::Next;
use crate::view::Side;
use crate::{RebuildError, View, bulk, schema};

/// So close to the log's end that the live view may be held still for the rest of the way.
const SWAP_LAG_MAX: u64 = 1_000;

/// How often a rebuild chases a log that keeps running ahead, before it swaps all the same.
const CHASES_MAX: u32 = 20;

/// With the view's number, the advisory lock of its rebuild.
const LOCK_SPACE: i32 = 0x626f_7872;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RebuildReport {
    pub view: View,
    pub version: i32,
    /// Where the new view was when it took over.
    pub position: u64,
    /// How many events it was made of.
    pub events: u64,
    pub elapsed: Duration,
}

/// What a rebuild of every view did. The events were read once for all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RebuildAllReport {
    pub views: Vec<RebuildReport>,
    pub events: u64,
    pub elapsed: Duration,
}

/// Rebuilds a view from the first event on, and puts it in the place of the live one. If it fails, the live view is as it
/// was. One rebuild of a view runs at a time, whatever process starts it.
pub async fn rebuild(log: Arc<dyn EventLog>, pool: &PgPool, view: View) -> Result<RebuildReport, RebuildError> {
    let started = Instant::now();
    let mut exclusive = prepare(pool, &[view]).await?;
    let filled = fill(&log, pool, &[view]).await;
    let position = match filled {
        Ok(()) => replace(&log, pool, view).await,
        Err(error) => {
            clean_up(pool, view, Side::Next).await;
            Err(error)
        }
    };
    release(&mut exclusive).await;
    Ok(report(view, position?, started))
}

/// Rebuilds every view in one pass over the log: each event is read and decoded once. Each view takes over by itself, so
/// a failure leaves those that did not.
pub async fn rebuild_all(log: Arc<dyn EventLog>, pool: &PgPool) -> Result<RebuildAllReport, RebuildError> {
    let started = Instant::now();
    let mut exclusive = prepare(pool, View::ALL).await?;
    let mut outcome = fill(&log, pool, View::ALL).await;
    let mut views = Vec::with_capacity(View::ALL.len());
    for &view in View::ALL {
        match outcome {
            Ok(()) => match replace(&log, pool, view).await {
                Ok(position) => views.push(report(view, position, started)),
                Err(error) => outcome = Err(error),
            },
            Err(_) => clean_up(pool, view, Side::Next).await,
        }
    }
    release(&mut exclusive).await;
    outcome?;
    Ok(RebuildAllReport {
        events: views.iter().map(|view| view.events).max().unwrap_or(0),
        views,
        elapsed: started.elapsed(),
    })
}

fn report(view: View, position: u64, started: Instant) -> RebuildReport {
    info!(view.name = %view, log.position = position, "rebuilt {view} up to {position}");
    RebuildReport {
        view,
        version: view.version(),
        position,
        events: position,
        elapsed: started.elapsed(),
    }
}

/// Takes the locks of the views, and makes their new tables.
async fn prepare(pool: &PgPool, views: &[View]) -> Result<Vec<PgConnection>, RebuildError> {
    let mut exclusive = Vec::with_capacity(views.len());
    for &view in views {
        match lock(pool, view).await {
            Ok(connection) => exclusive.push(connection),
            Err(error) => {
                release(&mut exclusive).await;
                return Err(error);
            }
        }
    }
    for &view in views {
        schema::create_missing(pool, view).await?;
        schema::discard(view, Side::Old, pool).await?;
        create_next(pool, view).await?;
    }
    Ok(exclusive)
}

/// The server notices anyway; closing only makes the next rebuild possible at once.
async fn release(exclusive: &mut Vec<PgConnection>) {
    for connection in exclusive.drain(..) {
        let _ = connection.close().await;
    }
}

/// Fills the new tables with what the log holds now, where it can be read in bulk. The rest comes by following.
async fn fill(log: &Arc<dyn EventLog>, pool: &PgPool, views: &[View]) -> Result<(), RebuildError> {
    if log.event_repository().is_none() {
        return Ok(());
    }
    let head = log.head().await?;
    bulk::fill(pool, views, head.position).await
}

/// Brings a filled view to the log's end, and swaps. Returns the position of the swap.
async fn replace(log: &Arc<dyn EventLog>, pool: &PgPool, view: View) -> Result<u64, RebuildError> {
    let indexed = finish_next(pool, view).await;
    let next = Next::start(log, pool, view);
    let outcome = match indexed {
        Ok(()) => take_over(log, pool, &next).await,
        Err(error) => Err(error.into()),
    };
    next.stop().await;
    let left_over = if outcome.is_err() { Side::Next } else { Side::Old };
    clean_up(pool, view, left_over).await;
    outcome
}

async fn finish_next(pool: &PgPool, view: View) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    schema::finish(view, &mut transaction).await?;
    transaction.commit().await
}

/// The lock is the connection's: whatever happens to this process, it goes with it.
pub(crate) async fn lock(pool: &PgPool, view: View) -> Result<PgConnection, RebuildError> {
    let mut connection = pool.acquire().await?.detach();
    let taken = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock($1, $2) AS "taken!""#,
        LOCK_SPACE,
        view as i32
    )
    .fetch_one(&mut connection)
    .await?;
    if taken {
        Ok(connection)
    } else {
        Err(RebuildError::AlreadyRunning(view))
    }
}

async fn create_next(pool: &PgPool, view: View) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    schema::create(view, Side::Next, &mut transaction).await?;
    transaction.commit().await
}

/// What is left over costs only disk until the next rebuild drops it.
async fn clean_up(pool: &PgPool, view: View, side: Side) {
    if let Err(error) = schema::discard(view, side, pool).await {
        warn!(view.name = %view, error = %chain(&error), "tables of {view} are left over");
    }
}

/// Fills the new view up to the log's end and swaps. Returns the position of the swap.
async fn take_over(log: &Arc<dyn EventLog>, pool: &PgPool, next: &Next) -> Result<u64, RebuildError> {
    for _ in 0..CHASES_MAX {
        let head = log.head().await?.position;
        next.reach(head).await?;
        if log.head().await?.position.saturating_sub(next.progress.position()) <= SWAP_LAG_MAX {
            break;
        }
    }
    swap(pool, next).await
}

async fn swap(pool: &PgPool, next: &Next) -> Result<u64, RebuildError> {
    let view = next.view;
    let mut transaction = pooling::begin(pool).await?;
    let live_position = hold_live(view, &mut transaction).await?;
    // The live view stands still from here on, and readers must not see it go back.
    next.reach(live_position).await?;
    next.stop().await;
    let position = move_checkpoint(view, &mut transaction).await?;
    schema::swap(view, &mut transaction).await?;
    transaction.commit().await?;
    Ok(position)
}

/// Locks the live checkpoint until the transaction ends.
async fn hold_live(view: View, transaction: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let name = schema::checkpoint_name(view, Side::Live);
    sqlx::query!(
        "INSERT INTO projection_checkpoint (name, version, position, hash) VALUES ($1, $2, 0, $3)
         ON CONFLICT (name, version) DO NOTHING",
        name,
        view.version(),
        &[0_u8; 32][..],
    )
    .execute(&mut *transaction)
    .await?;
    let position = sqlx::query_scalar!(
        "SELECT position FROM projection_checkpoint WHERE name = $1 AND version = $2 FOR UPDATE",
        name,
        view.version(),
    )
    .fetch_one(transaction)
    .await?;
    Ok(position.unsigned_abs())
}

/// Gives the live checkpoint the place where the new view is. Checkpoints of other versions have no tables any more.
async fn move_checkpoint(view: View, transaction: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let [live, next] = [Side::Live, Side::Next].map(|side| schema::checkpoint_name(view, side));
    // The new view was stopped, but the commit of its last page may still be on its way: whoever holds the row knows.
    let reached = sqlx::query!(
        "SELECT position, hash FROM projection_checkpoint WHERE name = $1 AND version = $2 FOR UPDATE",
        next,
        view.version(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query!(
        "UPDATE projection_checkpoint SET position = $3, hash = $4, moved_at = now() WHERE name = $1 AND version = $2",
        live,
        view.version(),
        reached.position,
        reached.hash,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "DELETE FROM projection_checkpoint WHERE name = $2 OR (name = $1 AND version <> $3)",
        live,
        next,
        view.version(),
    )
    .execute(transaction)
    .await?;
    Ok(reached.position.unsigned_abs())
}
