//! One life of the process: all that it has in memory, on threads of its own, until it is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_log::{Aggregates, Clock, EventLog, LogLimits, LogSettings, ManualClock, Node, PostgresLog};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::provider::WatchedProvider;
use super::recorder::Recorder;
use super::wire::Wire;
use crate::inbox::{Applied, Reader, Source};
use crate::jobs::{self, Endings, Lane};
use crate::runner::execute;
use crate::sweep::Sweep;
use crate::tests::crashes::make_jobs;
use crate::tests::world::{LIMIT, hasty, until};
use crate::{Deps, People, ProcessSettings, Processes};

/// Nobody checks anything by the wall's clock while a flow is under way.
const NEVER: Duration = Duration::from_hours(1);
const CONNECTIONS: u32 = 4;

/// What the process is given at its start, the same each time.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) pool: PgPool,
    pub(super) recorder: Recorder,
    pub(super) provider: Arc<WatchedProvider>,
    pub(super) clock: ManualClock,
    pub(super) node: Node,
}

pub(super) struct Life {
    given: Given,
    wire: Option<Wire>,
    runtime: Option<Runtime>,
    pub(super) process: Arc<Process>,
}

impl Life {
    pub(super) async fn begin(given: &Given) -> Self {
        given.recorder.revive();
        let wire = Wire::lay(&given.pool, &given.recorder).await;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (options, start) = (wire.options(&given.pool), given.clone());
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_lazy_with(options);
        let process = runtime.spawn(Process::start(start, pool));
        Self {
            given: given.clone(),
            wire: Some(wire),
            runtime: Some(runtime),
            process: Arc::new(process.await.unwrap()),
        }
    }

    /// On the process's own threads, so that it dies with them.
    pub(super) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.as_ref().expect("it lives").spawn(task)
    }

    /// `kill -9`: nobody is told, nothing is tidied up. Returns when the database has noticed.
    pub(super) async fn kill(mut self) {
        let runtime = self.runtime.take().expect("it lives");
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(LIMIT))
            .await
            .unwrap();
        if let Some(wire) = self.wire.take() {
            wire.cut().await;
        }
        let pool = &self.given.pool;
        until("its sessions are gone", || async {
            let sessions = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name LIKE 'boxoffice-%'"#
            );
            sessions.fetch_one(pool).await.unwrap() == 0
        })
        .await;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The processes under a driver's hand: what their tasks do, one thing after the other, so that the awaits of a flow come
/// in the same order each time.
pub(super) struct Process {
    pub(super) deps: Deps,
    pub(super) processes: Processes,
    reader: Reader,
    sweep: Mutex<Sweep>,
    endings: Endings,
    cancel: CancellationToken,
    jobs_made: AtomicU64,
}

impl Process {
    async fn start(given: Given, pool: PgPool) -> Self {
        let cancel = CancellationToken::new();
        let limits = LogLimits {
            idle_check: NEVER,
            lease: NEVER,
            silence: NEVER * 2,
            ..LogLimits::default()
        };
        let settings = LogSettings {
            limits,
            clock: Arc::new(given.clock.clone()),
            node: given.node,
            witness: None,
        };
        let options = (*pool.connect_options()).clone();
        let tracker = TaskTracker::new();
        let connected = PostgresLog::connect_with(options, pool.clone(), settings, &tracker, cancel.clone());
        let log: Arc<dyn EventLog> = connected.await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(given.clock);
        let deps = Deps {
            aggregates: Aggregates::new(&log),
            log,
            pool: pool.clone(),
            provider: given.provider,
            store: None,
            mail: None,
            people: People::new(pool.clone(), Arc::clone(&clock)),
            clock,
            settings: ProcessSettings {
                jobs_follow: Duration::ZERO,
                payment_check_delay: Duration::ZERO,
                ..hasty()
            },
        };
        let applied = Applied::new();
        Self {
            processes: Processes::idle(deps.clone()),
            reader: Reader {
                source: Source::Provider,
                deps: deps.clone(),
                applied: applied.clone(),
                wake: Arc::new(Notify::new()),
                cancel: cancel.clone(),
            },
            sweep: Mutex::new(Sweep::new(deps.clone(), applied, cancel.clone())),
            endings: Endings::new(pool),
            deps,
            cancel,
            jobs_made: AtomicU64::new(0),
        }
    }

    /// Does all that is due: reads webhooks, sweeps, makes jobs and does them, until nothing is left.
    pub(super) async fn rest(&self) {
        while self.reader.read_due().await.unwrap() > 0 {}
        self.sweep.lock().await.sweep().await.unwrap();
        loop {
            let head = *self.deps.log.wake().borrow();
            if head > self.jobs_made.swap(head, Ordering::SeqCst) {
                make_jobs(&self.deps).await;
            }
            let mut has_rested = true;
            for lane in [Lane::Log, Lane::Provider] {
                while self.do_one(lane).await {
                    has_rested = false;
                }
            }
            if has_rested {
                return;
            }
        }
    }

    /// Without a lease: whoever comes after a crash takes the job at once.
    async fn do_one(&self, lane: Lane) -> bool {
        let (deps, now) = (&self.deps, self.deps.clock.now());
        let claimed = jobs::claim(&deps.pool, lane, now, Duration::ZERO, 1).await.unwrap();
        let Some(claimed) = claimed.first() else {
            return false;
        };
        execute(deps, &self.endings, claimed, lane, &self.cancel).await;
        true
    }
}
