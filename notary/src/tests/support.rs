//! What the tests share: a log, a notary beside it, and an administrator who may do anything.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event_log::{EventLog, LogLimits, NewEvent, PostgresLog, StreamAppend, StreamId, SystemClock};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{
    Alarm, Checkpoint, Destination, Memory, Notary, NotaryDeps, NotaryLimits, NotarySettings, Opened, SigningKey,
    Witness,
};

/// Nothing that a test waits for takes this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);

pub(super) fn key() -> SigningKey {
    SigningKey::log("shop.test/log".parse().unwrap(), &[3; 32])
}

/// Fast enough for tests.
pub(super) fn limits() -> NotaryLimits {
    NotaryLimits {
        interval: Duration::from_millis(10),
        interval_least: Duration::from_millis(5),
        stretch: 300,
        look: Duration::from_millis(20),
        patrol: Duration::from_millis(5),
        patrol_events: 64,
        pause: Duration::from_millis(50),
        publish: Duration::from_millis(10),
        answer: Duration::from_secs(2),
        back_off: Duration::from_millis(50),
        ..NotaryLimits::default()
    }
}

/// One process: a log that leads, and a notary on it.
pub(super) struct Office {
    pub(super) log: Arc<PostgresLog>,
    pub(super) notary: Notary,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

/// What is kept outside of the database.
pub(super) struct Outside {
    folder: TempDir,
    pub(super) destinations: Vec<Destination>,
    pub(super) witnesses: Vec<Witness>,
}

impl Outside {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            destinations: vec![],
            witnesses: vec![],
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn memory(&self) -> Memory {
        Memory::at(self.path().join("notary.checkpoint"))
    }
}

impl Office {
    pub(super) async fn open(pool: &PgPool, outside: &Outside) -> Self {
        Self::with(pool, outside, limits()).await
    }

    pub(super) async fn with(pool: &PgPool, outside: &Outside, limits: NotaryLimits) -> Self {
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let options = pool.connect_options().as_ref().clone();
        let connected =
            PostgresLog::connect(options, pool.clone(), LogLimits::default(), &tracker, cancel.clone()).await;
        let log = connected.unwrap();
        let deps = NotaryDeps {
            log: Arc::clone(&log) as _,
            pool: pool.clone(),
            clock: Arc::new(SystemClock),
        };
        let settings = NotarySettings {
            key: key(),
            memory: outside.memory(),
            destinations: outside.destinations.clone(),
            witnesses: outside.witnesses.clone(),
            limits,
        };
        let notary = Notary::start(deps, settings, &tracker, &cancel);
        Self {
            log,
            notary,
            tracker,
            cancel,
        }
    }

    /// `count` more events of one stream.
    pub(super) async fn append(&self, stream: &str, after: u64, count: u64) {
        let events = (1..=count).map(|nth| NewEvent {
            event_type: Cow::Borrowed("counted"),
            event_version: Cow::Borrowed("1"),
            payload: format!("{{\"n\":{}}}", after + nth).into_bytes(),
        });
        let append = StreamAppend {
            stream: StreamId {
                aggregate_type: "counter",
                aggregate_id: Arc::from(stream),
            },
            expected_version: after,
            events: events.collect(),
            metadata: Arc::from(&b"{}"[..]),
        };
        let outcomes = self.log.append(vec![append]).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    /// The newest checkpoint, once it is of `size` events.
    pub(super) async fn signed(&self, size: u64) -> Opened {
        let reached = async || {
            self.notary
                .latest()
                .await
                .unwrap()
                .is_some_and(|latest| latest.size >= size)
        };
        until("everything is signed", reached).await;
        let latest = self.notary.latest().await.unwrap().unwrap();
        let opened = Checkpoint::open(&latest.note, &key().verifier()).unwrap();
        assert_eq!(
            (opened.checkpoint.size, opened.checkpoint.root),
            (latest.size, latest.root)
        );
        opened
    }

    pub(super) async fn alarm(&self) -> Alarm {
        until("the notary is alarmed", async || self.notary.standing().alarm.is_some()).await;
        self.notary.standing().alarm.unwrap()
    }

    /// Stops everything: the database can be dropped.
    pub(super) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Runs statements that no query macro should know.
pub(super) async fn sql(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(statements).execute(pool).await.unwrap();
}

/// Changes the log as nobody may: as an administrator who switches the guard off.
pub(super) async fn tamper(pool: &PgPool, statements: &str) {
    let guarded = format!(
        "BEGIN; ALTER TABLE events DISABLE TRIGGER events_append_only; {statements};
        ALTER TABLE events ENABLE TRIGGER events_append_only; COMMIT"
    );
    sql(pool, &guarded).await;
}

/// Waits until the condition holds.
pub(super) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "waited in vain until {what}"
    );
}
