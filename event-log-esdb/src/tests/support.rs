//! A log on a double, for a test.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::EsdbFake;
use event_log::{Clock, EventLog, LogLimits, SystemClock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::rules::PATIENCE;
use crate::{Client, EsdbLimits, EsdbLog, EventStore, Kurrent};

/// Which of the engine's clients.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    EventStore,
    Kurrent,
}

/// Makes a test of each function that takes a client, once for each of them.
macro_rules! by_each {
    ($($name:ident)+) => {
        mod by_event_store {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(super::By::EventStore).await;
                }
            )+
        }

        mod by_kurrent {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(super::By::Kurrent).await;
                }
            )+
        }
    };
}
pub(super) use by_each;

pub(super) struct Opened {
    fake: Option<EsdbFake>,
    pub(super) log: Arc<dyn EventLog>,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl Opened {
    pub(super) async fn new(by: By) -> Self {
        Self::on(EsdbFake::start().unwrap(), Arc::new(SystemClock), by).await
    }

    pub(super) async fn hasty(by: By) -> Self {
        Self::with(EsdbFake::start().unwrap(), Arc::new(SystemClock), hasty(), by).await
    }

    pub(super) async fn watchful(by: By) -> Self {
        Self::with(EsdbFake::start().unwrap(), Arc::new(SystemClock), watchful(), by).await
    }

    /// Another process on the same engine.
    pub(super) async fn rival(&self, by: By) -> Self {
        let node = EsdbFake::join(Arc::clone(self.fake().store())).unwrap();
        Self::on(node, Arc::new(SystemClock), by).await
    }

    pub(super) async fn on(fake: EsdbFake, clock: Arc<dyn Clock>, by: By) -> Self {
        Self::with(fake, clock, patient(), by).await
    }

    async fn with(fake: EsdbFake, clock: Arc<dyn Clock>, limits: EsdbLimits, by: By) -> Self {
        let opened = Self::at(&fake.url(), clock, limits, by).await;
        opened.with_engine(fake)
    }

    /// On nodes that the test has.
    pub(super) async fn at(url: &str, clock: Arc<dyn Clock>, limits: EsdbLimits, by: By) -> Self {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let start = Start {
            clock,
            limits,
            tracker: &tracker,
            cancel: &cancel,
        };
        let log = match by {
            By::EventStore => start.on(EventStore::connect(url).unwrap()).await,
            By::Kurrent => start.on(Kurrent::connect(url).unwrap()).await,
        };
        Self {
            fake: None,
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
        Arc::clone(&self.log)
    }

    /// Waits until a part of the log has ended by itself, and taken down what it is a part of.
    pub(super) async fn is_over(&self) {
        tokio::time::timeout(PATIENCE, self.cancel.cancelled()).await.unwrap();
    }

    pub(super) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

struct Start<'a> {
    clock: Arc<dyn Clock>,
    limits: EsdbLimits,
    tracker: &'a TaskTracker,
    cancel: &'a CancellationToken,
}

impl Start<'_> {
    async fn on(self, client: impl Client) -> Arc<dyn EventLog> {
        let limits = (LogLimits::default(), self.limits);
        EsdbLog::start(client, limits, self.clock, self.tracker, self.cancel.clone())
            .await
            .unwrap()
    }
}

/// A call may take longer than anything that is not meant to hang, and less than a command waits. Silence is not looked into
/// within the time that a test takes.
fn patient() -> EsdbLimits {
    EsdbLimits {
        call_limit: Duration::from_secs(4),
        silence: Duration::from_mins(10),
        // Smaller than what most tests read.
        page: 4,
        ..EsdbLimits::default()
    }
}

/// Calls that hang are given up soon.
pub(super) fn hasty() -> EsdbLimits {
    EsdbLimits {
        call_limit: Duration::from_millis(500),
        ..patient()
    }
}

/// Silence is looked into soon.
pub(super) fn watchful() -> EsdbLimits {
    EsdbLimits {
        silence: Duration::from_millis(200),
        ..patient()
    }
}
