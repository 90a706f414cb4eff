//! Keeps every view up with the log, and lets readers wait for what they wrote.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use event_log::subscription::{self, SubscriptionError, checkpoint};
use event_log::{EventLog, Progress};
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::error::chain;
use crate::schema::Found;
use crate::view::{Side, ViewSubscriber};
use crate::{ProjectionError, RebuildError, View, rebuild, schema};

/// How long a start waits for another process to bring a view to this version: this often, with this pause.
const UPGRADE_LOOKS_MAX: u32 = 600;
const UPGRADE_PAUSE: Duration = Duration::from_secs(1);
/// How often a view that lost its last pages is looked at again.
const LOST_PAUSE: Duration = Duration::from_millis(20);

/// The running views of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Projections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    log: Arc<dyn EventLog>,
    pool: PgPool,
    progress: Vec<(View, Progress)>,
    failure: OnceLock<String>,
}

impl Projections {
    /// Makes what tables are missing, brings tables of another version to this one, and follows the log from where each
    /// view is. Queries work from here on. A view that stops for good cancels `cancel`: it must not be read any more.
    pub async fn start(
        log: Arc<dyn EventLog>,
        pool: PgPool,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Self, ProjectionError> {
        for &view in View::ALL {
            prepare(&log, &pool, view).await?;
        }
        let shared = Arc::new(Shared {
            log,
            pool: pool.clone(),
            progress: View::ALL.iter().map(|&view| (view, Progress::new())).collect(),
            failure: OnceLock::new(),
        });
        for (view, progress) in &shared.progress {
            let (shared, view, progress) = (Arc::clone(&shared), *view, progress.clone());
            tracker.spawn(follow(shared, view, progress, pool.clone(), cancel.clone()));
        }
        Ok(Self { shared })
    }

    /// Waits until a view shows everything up to `position`; `false` if that takes longer than `limit`.
    ///
    /// Views commit without a flush. A database that crashed comes back without their last pages, before their followers
    /// have noticed; so it is asked whether it still has what was committed.
    pub async fn wait_for(&self, view: View, position: u64, limit: Duration) -> bool {
        let Some(progress) = self.progress(view) else {
            return false;
        };
        let shown = async {
            while progress.wait_for(position, limit).await {
                let stored = progress.stored();
                if self.has_kept(view, stored).await {
                    return true;
                }
                tokio::time::sleep(LOST_PAUSE).await;
            }
            false
        };
        tokio::time::timeout(limit, shown).await.unwrap_or(false)
    }

    async fn has_kept(&self, view: View, stored: u64) -> bool {
        let found = checkpoint::find(&self.shared.pool, view.as_str(), view.version()).await;
        found.is_ok_and(|head| head.is_some_and(|head| head.position >= stored))
    }

    /// Waits until every view shows everything up to `position`; `false` if that takes longer than `limit`.
    pub async fn wait_all(&self, position: u64, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        for (_, progress) in &self.shared.progress {
            let left = deadline.saturating_duration_since(Instant::now());
            if !progress.wait_for(position, left).await {
                return false;
            }
        }
        true
    }

    /// The position up to which a view shows everything.
    pub fn position(&self, view: View) -> u64 {
        self.progress(view).map_or(0, Progress::position)
    }

    /// How many events the slowest view is behind the log, as far as this process knows the log's end.
    pub fn lag(&self) -> u64 {
        self.lags().into_iter().map(|(_, lag)| lag).max().unwrap_or(0)
    }

    /// How many events each view is behind the log.
    pub fn lags(&self) -> Vec<(View, u64)> {
        let head = *self.shared.log.wake().borrow();
        let lag = |(view, progress): &(View, Progress)| (*view, head.saturating_sub(progress.position()));
        self.shared.progress.iter().map(lag).collect()
    }

    /// Why a view stopped for good, if one did.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.get().cloned()
    }

    fn progress(&self, view: View) -> Option<&Progress> {
        let mut all = self.shared.progress.iter();
        all.find(|(known, _)| *known == view).map(|(_, progress)| progress)
    }
}

async fn prepare(log: &Arc<dyn EventLog>, pool: &PgPool, view: View) -> Result<(), ProjectionError> {
    for _ in 0..UPGRADE_LOOKS_MAX {
        let found = schema::create_missing(pool, view)
            .await
            .map_err(|source| ProjectionError::Prepare { view, source })?;
        if found == Found::Current {
            return Ok(());
        }
        info!(view.name = %view, view.version = view.version(), "{view} has tables of another version: filling new ones");
        match rebuild(Arc::clone(log), pool, view).await {
            Ok(_) => return Ok(()),
            // A process that started at the same moment is at it.
            Err(RebuildError::AlreadyRunning(_)) => tokio::time::sleep(UPGRADE_PAUSE).await,
            Err(source) => return Err(upgrade_failed(view, source)),
        }
    }
    Err(upgrade_failed(view, RebuildError::AlreadyRunning(view)))
}

fn upgrade_failed(view: View, source: RebuildError) -> ProjectionError {
    let source = Box::new(source);
    ProjectionError::Upgrade { view, source }
}

async fn follow(shared: Arc<Shared>, view: View, progress: Progress, pool: PgPool, cancel: CancellationToken) {
    // However this ends, a process whose view stands still must not go on answering.
    let _fatal = cancel.clone().drop_guard();
    let subscriber = Arc::new(ViewSubscriber::new(view, Side::Live));
    let ended = subscription::run(Arc::clone(&shared.log), pool, subscriber, progress, cancel).await;
    if let Err(failure) = ended {
        report(&shared, view, &failure);
    }
}

fn report(shared: &Shared, view: View, failure: &SubscriptionError) {
    let reason = chain(failure);
    error!(view.name = %view, error = %reason, "the view {view} stopped");
    // Only the first failure is kept; later ones are in the log.
    let _ = shared.failure.set(format!("{view}: {reason}"));
}
