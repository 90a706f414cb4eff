//! Reads both sides on, and pairs what belongs together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::AnyEvent;
use event_log::leader;
use payments::{ProviderError, StatementLine};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::books::{Books, BooksError, reference, reference_of};
use super::store::{self, Booked, Cursors, Told};
use crate::Deps;

/// How often both sides are read.
pub const INTERVAL: Duration = Duration::from_mins(1);
/// Lines read at once, of either side.
const PAGE: u32 = 100;
/// Pages of one side in one round; the next round goes on from there.
const PAGES_MAX: usize = 100;
/// Longer than any round takes that gets on.
const ROUND_LIMIT: Duration = Duration::from_mins(5);

#[derive(Debug, Error)]
pub enum ReconcileError {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error("read the log: {0}")]
    Log(#[from] event_log::ReadError),
    #[error("read an event: {0}")]
    Event(Box<dyn std::error::Error + Send + Sync>),
    #[error("not done within {} s", ROUND_LIMIT.as_secs())]
    TimedOut,
}

/// Reconciles now and then on `tracker`, for as long as this node is on duty, until `cancel` is cancelled.
pub fn start(deps: Deps, books: Arc<dyn Books>, interval: Duration, tracker: &TaskTracker, cancel: &CancellationToken) {
    let cancel = cancel.clone();
    tracker.spawn(async move {
        // However this ends, a process whose books are not looked at any more must not go on as if all were well.
        let _fatal = cancel.clone().drop_guard();
        // What is cut off in the middle is read again at the next start.
        let _cut = cancel
            .run_until_cancelled(reconcile_for_ever(&deps, books.as_ref(), interval))
            .await;
    });
}

async fn reconcile_for_ever(deps: &Deps, books: &dyn Books, interval: Duration) {
    loop {
        leader::on_duty(&*deps.log).await;
        let round = tokio::time::timeout(ROUND_LIMIT, reconcile(deps, books)).await;
        if let Err(error) = round.unwrap_or(Err(ReconcileError::TimedOut)) {
            warn!("reconciliation stopped and will be tried again: {error}");
        }
        tokio::time::sleep(interval).await;
    }
}

/// One round: both sides from where they were left, then the pairs. Says how many were made.
pub async fn reconcile(deps: &Deps, books: &dyn Books) -> Result<u64, ReconcileError> {
    let provider = deps.provider.name();
    let cursors = store::load_cursors(&deps.pool, provider).await?;
    read_statement(deps, &cursors).await?;
    read_books(deps, books, cursors.book_position).await?;
    let pairs = store::pair(&deps.pool, provider).await?;
    metrics::counter!("reconciliation_matched_total").increment(pairs);
    Ok(pairs)
}

/// The stored cursor only passes a page that nothing can be put in before any more; what is behind it is listed again, and
/// kept once.
async fn read_statement(deps: &Deps, cursors: &Cursors) -> Result<(), ReconcileError> {
    let provider = deps.provider.name();
    let settles_after = deps.provider.lists_in_order_after();
    let mut cursor = cursors.statement.clone();
    let mut may_pass = true;
    for _ in 0..PAGES_MAX {
        let page = deps.provider.list_statement(cursor.as_deref(), PAGE).await?;
        let now = deps.clock.now();
        let is_settled = |line: &StatementLine| settles_after.is_zero() || line.created_at < now - settles_after;
        may_pass = may_pass && page.lines.iter().all(is_settled);
        let passed = page.next.clone().filter(|_| may_pass);
        let told: Vec<Told> = page.lines.into_iter().map(told).collect();
        store::keep_told(&deps.pool, provider, &told, passed.as_deref()).await?;
        match page.next {
            Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn told(line: StatementLine) -> Told {
    Told {
        reference: line.subject.map(|subject| reference(line.kind, &subject)),
        id: line.id,
        kind: line.kind.name(),
        net: line.net,
        at: line.created_at,
    }
}

async fn read_books(deps: &Deps, books: &dyn Books, mut position: u64) -> Result<(), ReconcileError> {
    let provider = deps.provider.name();
    for _ in 0..PAGES_MAX {
        let lines = books.cash_lines(provider, position, PAGE).await?;
        let Some(last) = lines.last() else {
            return Ok(());
        };
        position = last.position;
        let positions: Vec<u64> = lines.iter().map(|line| line.position).collect();
        let mut references = HashMap::new();
        for event in deps.log.read_at(&positions).await? {
            let stored = event
                .to_serialized()
                .map_err(|error| ReconcileError::Event(Box::new(error)))?;
            let decoded = AnyEvent::decode(stored).map_err(|error| ReconcileError::Event(Box::new(error)))?;
            references.insert(event.position, reference_of(&decoded));
        }
        let booked = lines.into_iter().map(|line| Booked {
            reference: references.remove(&line.position).flatten(),
            line,
        });
        let booked: Vec<Booked> = booked.collect();
        store::keep_booked(&deps.pool, provider, &booked, position).await?;
    }
    Ok(())
}
