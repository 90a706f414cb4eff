//! A log in PostgreSQL with its views, as one process runs them.

use std::sync::Arc;
use std::time::Duration;

use event_log::{EventLog, LogLimits, PostgresLog, StreamAppend};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Projections;

/// Longer than any of these tests takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Shop {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) pool: PgPool,
    pub(crate) tracker: TaskTracker,
    pub(crate) cancel: CancellationToken,
}

impl Shop {
    pub(crate) async fn open(options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .connect_with(options.clone())
            .await
            .expect("a database");
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let log = PostgresLog::connect(options, pool.clone(), LogLimits::default(), &tracker, cancel.clone())
            .await
            .expect("a log");
        Self {
            log,
            pool,
            tracker,
            cancel,
        }
    }

    /// The views, with a token of their own: a view that fails takes this one down, not the log's.
    pub(crate) async fn start_views(&self) -> (Projections, CancellationToken) {
        let cancel = self.cancel.child_token();
        let projections = Projections::start(Arc::clone(&self.log), self.pool.clone(), &self.tracker, cancel.clone())
            .await
            .expect("views");
        (projections, cancel)
    }

    /// Appends, and returns the position of the last event.
    pub(crate) async fn append(&self, appends: &[StreamAppend]) -> u64 {
        let mut position = 0;
        for outcome in self.log.append(appends.to_vec()).await {
            position = outcome.expect("recorded").position;
        }
        position
    }

    pub(crate) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.pool.close().await;
    }
}
