//! A log on a double, for a test.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::EsdbFake;
use event_log::{Clock, EventLog, LogLimits, SystemClock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::rules::PATIENCE;
use crate::{EsdbLimits, EsdbLog, EventStore};

pub(super) struct Opened {
    fake: Option<EsdbFake>,
    pub(super) log: Arc<EsdbLog<EventStore>>,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Opened {
    pub(super) async fn new() -> Self {
        Self::on(EsdbFake::start().unwrap(), Arc::new(SystemClock)).await
    }

    pub(super) async fn on(fake: EsdbFake, clock: Arc<dyn Clock>) -> Self {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let client = EventStore::connect(&fake.url()).unwrap();
        let limits = (LogLimits::default(), impatient());
        let log = EsdbLog::start(client, limits, clock, &tracker, cancel.clone())
            .await
            .unwrap();
        Self {
            fake: Some(fake),
            log,
            tracker,
            cancel,
        }
    }

    /// The node is gone, and its connections with it.
    pub(super) fn lose_engine(mut self) -> Self {
        self.fake = None;
        self
    }

    pub(super) fn with_engine(mut self, fake: EsdbFake) -> Self {
        self.fake = Some(fake);
        self
    }

    pub(super) fn fake(&self) -> &EsdbFake {
        self.fake.as_ref().unwrap()
    }

    pub(super) fn port(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log) as _
    }

    pub(super) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Calls that hang are given up soon, and others' appends are seen soon.
fn impatient() -> EsdbLimits {
    EsdbLimits {
        call_limit: Duration::from_millis(500),
        look: Duration::from_millis(20),
        // Smaller than what most tests read.
        page: 4,
        ..EsdbLimits::default()
    }
}
