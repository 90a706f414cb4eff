//! What the tests share: an open log, small appends, conditions that are waited for.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(super) use super::rules::{PATIENCE, append, stream};
use crate::{EventLog, LogLimits, LogSettings, Metadata, PostgresLog, Witness};

pub(super) struct Opened {
    pub(super) log: Arc<PostgresLog>,
    tasks: Tasks,
}

impl Opened {
    pub(super) async fn new(pool: &PgPool) -> Self {
        Self::with(pool, LogLimits::default()).await
    }

    pub(super) async fn with(pool: &PgPool, limits: LogLimits) -> Self {
        Self::through(pool.connect_options().as_ref().clone(), pool, limits).await
    }

    pub(super) async fn through(options: PgConnectOptions, pool: &PgPool, limits: LogLimits) -> Self {
        let tasks = Tasks::default();
        let log = PostgresLog::connect(options, pool.clone(), limits, &tasks.tracker, tasks.cancel.clone())
            .await
            .unwrap();
        Self { log, tasks }
    }

    /// As the copy of another log, with what was seen last of it.
    pub(super) async fn of_copy(pool: &PgPool, limits: LogLimits, witness: Option<Witness>) -> Self {
        let tasks = Tasks::default();
        let options = pool.connect_options().as_ref().clone();
        let settings = LogSettings {
            limits,
            witness,
            is_copy: true,
            ..LogSettings::default()
        };
        let log = PostgresLog::connect_with(options, pool.clone(), settings, &tasks.tracker, tasks.cancel.clone());
        let log = log.await.unwrap();
        Self { log, tasks }
    }

    pub(super) fn port(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log) as _
    }

    /// Stops the log for whoever needs it no more.
    pub(super) fn beneath(&self) -> CancellationToken {
        self.tasks.cancel.clone()
    }

    pub(super) fn cancel(&self) {
        self.tasks.cancel.cancel();
    }

    /// Stops the sequencer and waits until it has: the database can be dropped.
    pub(super) async fn close(self) {
        self.tasks.close().await;
    }
}

/// Tasks that run until the test is over.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) tracker: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl Tasks {
    pub(super) async fn close(self) {
        self.cancel.cancel();
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait()).await.unwrap();
    }
}

/// Short limits, for tests that wait for them to pass.
pub(super) fn impatient() -> LogLimits {
    LogLimits {
        outage_wait: Duration::from_millis(800),
        statement_limit: Duration::from_millis(300),
        ..LogLimits::default()
    }
}

pub(super) fn metadata() -> Metadata {
    Metadata::for_actor("tester", uuid::Uuid::nil())
}

/// Runs statements that no query macro should know.
pub(super) async fn sql(pool: &PgPool, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(pool).await.map(drop)
}

/// Changes the log as nobody may: as an administrator who switches the guard off.
pub(super) async fn tamper(pool: &PgPool, statements: &str) {
    let guarded = format!(
        "ALTER TABLE events DISABLE TRIGGER events_append_only; {statements};
        ALTER TABLE events ENABLE TRIGGER events_append_only"
    );
    sql(pool, &guarded).await.unwrap();
}

pub(super) async fn count(pool: &PgPool, query: &str) -> i64 {
    use sqlx::Row as _;
    let row = sqlx::raw_sql(query).fetch_one(pool).await.unwrap();
    row.get(0)
}

/// How many sessions of clients of this database match the condition.
pub(super) async fn sessions(pool: &PgPool, condition: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
            AND {condition}"
    );
    count(pool, &query).await
}

pub(super) async fn terminate(pool: &PgPool, condition: &str) {
    let query = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
            AND {condition}"
    );
    assert!(count(pool, &query).await > 0, "no session to terminate: {condition}");
}

pub(super) const SEQUENCER_WAITS: &str = "application_name = 'boxoffice-sequencer' AND wait_event_type = 'Lock'";

/// Waits until the condition holds.
pub(super) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "waited in vain until {what}"
    );
}
