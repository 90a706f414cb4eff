//! One life of the process: all that it has in memory, on threads of its own, until it is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::payout::PayoutSchedule;
use event_log::{Aggregates, Clock, EventLog, LogLimits, LogSettings, ManualClock, Node, PostgresLog};
use outbound::mail::{MailSettings, Smtp};
use payments::AppStore;
use payments::store::SandboxStore;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::flows::Flow;
use super::postman::Postman;
use super::provider::WatchedProvider;
use super::recorder::Recorder;
use super::wire::Wire;
use crate::inbox::{Applied, Reader, Source};
use crate::jobs::{self, Endings, Lane};
use crate::mail::Mailer;
use crate::runner::execute;
use crate::sweep::Sweep;
use crate::tests::crashes::make_jobs;
use crate::tests::world::{LIMIT, hasty, until};
use crate::{Deps, PayoutSettings, People, ProcessSettings, Processes};

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
    /// What is sold, and how, decides what the process is connected to.
    pub(super) flow: &'static Flow,
    pub(super) store: SandboxStore,
    pub(super) postman: Postman,
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
    /// Of the provider, and of the store where there is one.
    readers: Vec<Reader>,
    sweep: Mutex<Sweep>,
    endings: Endings,
    cancel: CancellationToken,
    jobs_made: AtomicU64,
}

impl Process {
    async fn start(given: Given, pool: PgPool) -> Self {
        let (flow, mail) = (given.flow, mailer(&given));
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
            is_copy: false,
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
            store: flow.has_store.then(|| Arc::new(given.store) as Arc<dyn AppStore>),
            mail,
            people: People::new(pool.clone(), Arc::clone(&clock), vault::VaultKey::random()),
            clock,
            settings: ProcessSettings {
                jobs_follow: Duration::ZERO,
                payment_check_delay: Duration::ZERO,
                sends_mail: flow.sends_mail,
                payouts: PayoutSettings {
                    minimum_minor: flow.payout_min_minor,
                    schedule: PayoutSchedule::OnRequest,
                },
                ..hasty()
            },
        };
        let applied = Applied::new();
        let reader = |source| Reader {
            source,
            deps: deps.clone(),
            applied: applied.clone(),
            wake: Arc::new(Notify::new()),
            cancel: cancel.clone(),
        };
        let store = flow.has_store.then_some(Source::Store);
        let sources = [Source::Provider].into_iter().chain(store);
        Self {
            processes: Processes::idle(deps.clone()),
            readers: sources.map(reader).collect(),
            sweep: Mutex::new(Sweep::new(deps.clone(), applied, cancel.clone())),
            endings: Endings::new(pool),
            deps,
            cancel,
            jobs_made: AtomicU64::new(0),
        }
    }

    /// Does all that is due: reads webhooks, sweeps, makes jobs and does them, until nothing is left.
    pub(super) async fn rest(&self) {
        for reader in &self.readers {
            while reader.read_due().await.unwrap() > 0 {}
        }
        self.sweep.lock().await.sweep().await.unwrap();
        loop {
            let head = *self.deps.log.wake().borrow();
            if head > self.jobs_made.swap(head, Ordering::SeqCst) {
                make_jobs(&self.deps).await;
            }
            let mut has_rested = true;
            let letters = self.deps.mail.is_some().then_some(Lane::Mail);
            for lane in [Lane::Log, Lane::Provider].into_iter().chain(letters) {
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

fn mailer(given: &Given) -> Option<Arc<Mailer>> {
    let settings = MailSettings {
        url: given.postman.url.as_str().into(),
        from: "Talks <tickets@shop.example>".to_owned(),
    };
    given.flow.sends_mail.then(|| {
        let smtp = Smtp::new(&settings).unwrap();
        let links = "https://talks.example".to_owned();
        Arc::new(Mailer { smtp, links })
    })
}
