//! The bulk of a rebuild: one reader of the log, and a writer for each view.
//!
//! Every view goes at its own speed, at most a few pages behind the reader. Pages are large, so that a row which many
//! events change is written once.

use std::pin::pin;
use std::sync::Arc;

use event_log::Head;
use event_log::replay::{self, ReplayPage, Wanted};
use futures::StreamExt as _;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::error::chain;
use crate::view::{Side, ViewSubscriber};
use crate::{RebuildError, View, schema};

/// How many pages a slow view may leave waiting before the reader waits for it.
const PAGES_WAITING: usize = 2;

/// A crash leaves a half-built view that nobody reads; the next rebuild begins anew.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// Brings the new tables of the views to a position that the log has reached.
pub(crate) async fn fill(pool: &PgPool, views: &[View], up_to: u64) -> Result<(), RebuildError> {
    let tracker = TaskTracker::new();
    let (mut writers, mut queues) = (vec![], vec![]);
    for &view in views {
        let (queue, pages) = mpsc::channel(PAGES_WAITING);
        writers.push((view, tracker.spawn(write(pool.clone(), view, pages))));
        queues.push(queue);
    }
    let wanted = match views {
        [view] => Wanted::OfAggregates(view.aggregates()),
        _ => Wanted::Everything,
    };
    let read = read(pool, wanted, up_to, &queues).await;
    drop(queues);
    let mut outcome = read;
    for (view, writer) in writers {
        let written = writer.await.unwrap_or_else(|_| {
            let reason = "it panicked".to_owned();
            Err(RebuildError::Stopped { view, reason })
        });
        outcome = outcome.and(written);
    }
    outcome
}

/// Hands every page to every writer. A writer that has stopped says why by itself.
async fn read(
    pool: &PgPool,
    wanted: Wanted,
    up_to: u64,
    queues: &[mpsc::Sender<Arc<ReplayPage>>],
) -> Result<(), RebuildError> {
    let mut pages = pin!(replay::pages(pool, wanted, 0, up_to));
    while let Some(page) = pages.next().await {
        let page = Arc::new(page?);
        for queue in queues {
            if queue.send(Arc::clone(&page)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn write(pool: PgPool, view: View, mut pages: mpsc::Receiver<Arc<ReplayPage>>) -> Result<(), RebuildError> {
    let subscriber = ViewSubscriber::new(view, Side::Next);
    while let Some(page) = pages.recv().await {
        // A connection for each page: whoever waits for one gets it in between.
        let mut transaction = pooling::begin_with(&pool, BEGIN).await?;
        move_checkpoint(view, page.to, &mut transaction).await?;
        if page.events.iter().any(|event| view.concerns(&event.event)) {
            let written = subscriber.write(&page.events, &mut transaction).await;
            written.map_err(|error| RebuildError::Stopped {
                view,
                reason: chain(&error),
            })?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn move_checkpoint(view: View, to: Head, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE projection_checkpoint SET position = $3, hash = $4, moved_at = now() WHERE name = $1 AND version = $2",
        schema::checkpoint_name(view, Side::Next),
        view.version(),
        to.position.cast_signed(),
        &to.hash[..],
    )
    .execute(transaction)
    .await?;
    Ok(())
}
