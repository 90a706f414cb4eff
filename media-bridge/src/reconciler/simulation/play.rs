//! One episode: so many steps of the world, and then it has to be as the log says.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use domain::Timestamp;
use event_log::{Aggregates, Clock, EventLog, LogLimits, MemoryLog, NewEvent, StreamAppend, StreamId};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::calls::Model;
use super::judge::{AFTERMATH, BOUND};
use super::world::{Outside, World};
use crate::presence::PresenceRecorder;
use crate::reconciler::{Deps, Reconciler, run};
use crate::shared::Shared;

/// After the last step, and after the last fault.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);
/// Nothing has to be done for so long when nothing happens.
const QUIET: Duration = Duration::from_secs(10);
/// A look a second, one more for the edges, and those that follow a wake.
const LOOKS_MAX: u64 = 11;
const LISTENERS_MAX: u32 = 50;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Report {
    pub(super) steps: u64,
    pub(super) activations: u64,
    pub(super) calls: u64,
    pub(super) changes: u64,
    pub(super) model_time: Duration,
    pub(super) calm_time: Duration,
    /// Of calm time.
    pub(super) longest: BTreeMap<&'static str, Duration>,
}

impl Report {
    pub(super) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.activations += other.activations;
        self.calls += other.calls;
        self.changes += other.changes;
        self.model_time += other.model_time;
        self.calm_time += other.calm_time;
        for (name, lasted) in &other.longest {
            let longest = self.longest.entry(name).or_default();
            *longest = (*longest).max(*lasted);
        }
    }
}

/// What went wrong, if something did.
pub(super) fn play(seed: u64, steps: u64) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async { Episode::begin(seed).await.play(steps).await })
}

/// Time of the model.
#[derive(Debug)]
struct ModelClock {
    start: Instant,
}

impl Clock for ModelClock {
    fn now(&self) -> Timestamp {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        start + self.start.elapsed()
    }
}

struct Episode {
    model: Model,
    clock: Arc<ModelClock>,
    log: Arc<dyn EventLog>,
    events: u64,
    pool: PgPool,
    reconciler: Option<Running>,
}

/// A process that reconciles.
struct Running {
    task: JoinHandle<()>,
    shared: Arc<Shared>,
}

impl Episode {
    async fn begin(seed: u64) -> Self {
        let clock = Arc::new(ModelClock { start: Instant::now() });
        let log: Arc<dyn EventLog> = MemoryLog::with(LogLimits::default(), clock.clone());
        let mut episode = Self {
            model: Model::new(seed),
            clock,
            log,
            events: 0,
            pool: closed_pool().await,
            reconciler: None,
        };
        episode.start_reconciler();
        episode
    }

    fn start_reconciler(&mut self) {
        let (shared, hints) = Shared::new();
        let shared = Arc::new(shared);
        let deps = Deps {
            media: Arc::new(self.model.clone()),
            entitlements: Arc::new(self.model.clone()),
            clock: self.clock.clone(),
            shared: Arc::clone(&shared),
            listeners_max: LISTENERS_MAX,
        };
        let reconciler = Reconciler::new(deps, PresenceRecorder::new(self.pool.clone()));
        let (log, aggregates) = (Arc::clone(&self.log), Aggregates::new(&self.log));
        let running = run(reconciler, log, aggregates, hints, CancellationToken::new());
        let task = self.model.tracker.spawn(running);
        self.model.world().judge.restarted();
        self.reconciler = Some(Running { task, shared });
    }

    async fn play(mut self, steps: u64) -> Result<Report, String> {
        for _ in 0..steps {
            let pause = self.model.world().pause();
            self.pass(pause).await;
            self.model.world().act(Instant::now());
            self.do_outside().await;
            self.verdict()?;
        }
        self.model.world().end(Instant::now());
        self.pass(SETTLES_WITHIN + AFTERMATH + BOUND).await;
        self.verdict()?;
        let remaining = self.model.world().judge.remaining();
        if !remaining.is_empty() {
            return Err(format!("in the end: {remaining:?}"));
        }
        self.check_quiet().await?;
        Ok(self.report(steps))
    }

    /// Time passes, and what is due in it happens.
    async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let next = self.model.world().next_due().filter(|due| *due <= until);
            sleep_until(next.unwrap_or(until)).await;
            let now = Instant::now();
            self.model.world().catch_up(now);
            self.do_outside().await;
            if next.is_none() && self.model.world().next_due().is_none_or(|due| due > until) {
                return;
            }
        }
    }

    async fn do_outside(&mut self) {
        let outside = std::mem::take(&mut self.model.world().outside);
        for outside in outside {
            match outside {
                Outside::LogChanged => self.append().await,
                Outside::Webhook(hint) => {
                    if let Some(running) = &self.reconciler {
                        if let Some(hint) = hint {
                            running.shared.hint(hint);
                        }
                        running.shared.wake();
                    }
                }
                Outside::ReconcilerDies => {
                    if let Some(running) = self.reconciler.take() {
                        running.task.abort();
                        let _ = running.task.await;
                    }
                }
                Outside::ReconcilerStarts => self.start_reconciler(),
            }
        }
    }

    /// Whatever the event says: the wish says it too, a moment later.
    async fn append(&mut self) {
        let event = NewEvent {
            event_type: "something_happened".into(),
            event_version: "1".into(),
            payload: b"{}".to_vec(),
        };
        let append = StreamAppend {
            stream: StreamId {
                aggregate_type: "wish",
                aggregate_id: "the wish".into(),
            },
            expected_version: self.events,
            events: vec![event],
            metadata: Arc::from(&b"{}"[..]),
        };
        let outcomes = self.log.append(vec![append]).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        self.events += 1;
    }

    fn verdict(&self) -> Result<(), String> {
        let ended = self
            .reconciler
            .as_ref()
            .is_some_and(|running| running.task.is_finished());
        if ended {
            return Err("the reconciler has ended".to_owned());
        }
        let world = self.model.world();
        world.judge.failures.first().map_or(Ok(()), |first| Err(first.clone()))
    }

    /// Both sides agree, so there is nothing to do, however often one looks.
    async fn check_quiet(&mut self) -> Result<(), String> {
        let counted = |world: &World| (world.judge.activations, world.judge.calls, world.judge.changes);
        let before = counted(&self.model.world());
        self.pass(QUIET).await;
        self.verdict()?;
        let world = self.model.world();
        let after = counted(&world);
        let (looks, calls, changes) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
        // One look may have been under way.
        let calls_max = (looks + 1) * (1 + world.wish.rooms.len() as u64);
        if changes > 0 || looks > LOOKS_MAX || calls > calls_max {
            return Err(format!(
                "{looks} looks with {calls} calls and {changes} changes when nothing happened"
            ));
        }
        Ok(())
    }

    fn report(&self, steps: u64) -> Report {
        let world = self.model.world();
        let judge = &world.judge;
        Report {
            steps,
            activations: judge.activations,
            calls: judge.calls,
            changes: judge.changes,
            model_time: self.clock.start.elapsed(),
            calm_time: judge.calm,
            longest: judge.longest.clone(),
        }
    }
}

/// Presence is not looked at here: its database is away all the time, which must not matter.
async fn closed_pool() -> PgPool {
    let pool = PgPoolOptions::new()
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy("postgres://localhost/none")
        .expect("a URL");
    pool.close().await;
    pool
}
