//! Fills a view anew beside the live one, and swaps the two in one transaction.
//!
//! Readers see the old rows until the swap and the new ones after it, never a half-built view. It works while other
//! processes follow the log: the swap holds the live checkpoint's row, so no live page is in the middle of being written,
//! and the live subscription goes on from the checkpoint that the swap leaves.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use event_log::{EventLog, Progress, subscription};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::error::chain;
use crate::view::{Side, ViewSubscriber};
use crate::{RebuildError, View, schema};

/// A rebuild that moves nothing for this long has failed.
const STALL_LIMIT: Duration = Duration::from_secs(30);

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

/// Rebuilds a view from the first event on, and puts it in the place of the live one. If it fails, the live view is as it
/// was. One rebuild of a view runs at a time, whatever process starts it.
pub async fn rebuild(log: Arc<dyn EventLog>, pool: &PgPool, view: View) -> Result<RebuildReport, RebuildError> {
    let started = Instant::now();
    let exclusive = lock(pool, view).await?;
    schema::create_missing(pool, view).await?;
    schema::discard(view, Side::Old, pool).await?;
    create_next(pool, view).await?;
    let next = Next::start(&log, pool, view);
    let outcome = take_over(&log, pool, &next).await;
    next.stop().await;
    if outcome.is_err() {
        clean_up(pool, view, Side::Next).await;
    } else {
        clean_up(pool, view, Side::Old).await;
    }
    // The server notices anyway; closing it only makes the next rebuild possible at once.
    let _ = exclusive.close().await;
    let position = outcome?;
    info!(view.name = %view, log.position = position, "rebuilt {view} up to {position}");
    Ok(RebuildReport {
        view,
        version: view.version(),
        position,
        events: position,
        elapsed: started.elapsed(),
    })
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
    let mut transaction = pool.begin().await?;
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
    let mut transaction = pool.begin().await?;
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

/// The new view while it follows the log.
struct Next {
    view: View,
    progress: Progress,
    cancel: CancellationToken,
    tracker: TaskTracker,
    /// Set before `ended` is cancelled, if it ended by itself.
    failure: Arc<OnceLock<String>>,
    ended: CancellationToken,
}

impl Next {
    fn start(log: &Arc<dyn EventLog>, pool: &PgPool, view: View) -> Self {
        let next = Self {
            view,
            progress: Progress::new(),
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
            failure: Arc::default(),
            ended: CancellationToken::new(),
        };
        let subscriber = Arc::new(ViewSubscriber::new(view, Side::Next));
        let following = subscription::run(
            Arc::clone(log),
            pool.clone(),
            subscriber,
            next.progress.clone(),
            next.cancel.clone(),
        );
        let (failure, ended) = (Arc::clone(&next.failure), next.ended.clone());
        let _task: JoinHandle<()> = next.tracker.spawn(async move {
            let _ended = ended.drop_guard();
            if let Err(error) = following.await {
                let _ = failure.set(chain(&error));
            }
        });
        next.tracker.close();
        next
    }

    /// Waits until the new view is at `position`, as long as it moves at all.
    async fn reach(&self, position: u64) -> Result<(), RebuildError> {
        loop {
            let before = self.progress.position();
            if before >= position {
                return Ok(());
            }
            tokio::select! {
                () = self.ended.cancelled() => return Err(self.stopped()),
                reached = self.progress.wait_for(position, STALL_LIMIT) => {
                    if !reached && self.progress.position() == before {
                        return Err(RebuildError::Stalled { view: self.view, position: before, limit: STALL_LIMIT });
                    }
                }
            }
        }
    }

    fn stopped(&self) -> RebuildError {
        RebuildError::Stopped {
            view: self.view,
            reason: self.failure.get().cloned().unwrap_or_else(|| "it panicked".to_owned()),
        }
    }

    /// Returns when it has written its last page.
    async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.wait().await;
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
