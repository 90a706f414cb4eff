//! How executions are explored: at random, by priorities (PCT), or all of them; and how one is replayed.
//!
//! Time is a task of its own. Usually it passes only when nothing else can happen, so that limits do not pass at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::future::yield_now;
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId,
};
use shuttle::{Config, MaxSteps, Runner};
use tokio::runtime::{Builder, Runtime};

/// Set to a schedule that a failure printed, only that one is executed.
const REPLAY: &str = "BOXOFFICE_MODEL_SCHEDULE";
/// By how much time passes at once. No pause with a random part is longer, so an execution depends on its schedule alone.
const TICK: Duration = Duration::from_secs(1);
/// An execution that takes more steps waits for something that does not come.
const STEPS_MAX: usize = 20_000;
/// The first task that an execution spawns.
const CLOCK: usize = 1;

#[derive(Clone, Copy, Debug)]
pub(super) enum Explore {
    /// Every schedule in which at most so many times a task that could go on is made to wait for another. Tasks that wait
    /// are woken in every order. Most defects need one or two such moments.
    All { preemptions: usize },
    /// Half of them at random, half by random priorities with few changes. From a fixed seed: a run is repeatable.
    Some { executions: usize, seed: u64 },
}

/// Runs the scenario under many schedules, each from the start. Panics at the first execution that panics, after its
/// schedule was printed. How many there were.
pub(super) fn explore<F>(how: Explore, scenario: impl Fn() -> F + Send + Sync + 'static) -> usize
where
    F: Future<Output = ()>,
{
    let executions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&executions);
    let scenario = Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        in_time_of_its_own(&scenario);
    });
    if let Ok(schedule) = std::env::var(REPLAY) {
        run(ReplayScheduler::new_from_encoded(&schedule), &scenario);
        return 1;
    }
    match how {
        Explore::All { preemptions } => run(
            Patient {
                preemptions_max: preemptions,
                ..Patient::new(DfsScheduler::new(None, false))
            },
            &scenario,
        ),
        Explore::Some { executions, seed } => {
            let half = executions.div_ceil(2);
            run(Patient::hurried(RandomScheduler::new_from_seed(seed, half)), &scenario);
            run(Patient::hurried(PctScheduler::new_from_seed(seed, 4, half)), &scenario);
        }
    }
    executions.load(Ordering::Relaxed)
}

fn run<F: Fn() + Send + Sync + 'static>(scheduler: impl Scheduler + 'static, scenario: &Arc<F>) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.stack_size = 0x40000;
    config.silence_warnings = true;
    let scenario = Arc::clone(scenario);
    Runner::new(scheduler, config).run(move || scenario());
}

/// Tokio's timers, on a clock that moves only when the scheduler says so.
fn in_time_of_its_own<F: Future<Output = ()>>(scenario: &impl Fn() -> F) {
    let runtime = Arc::new(
        Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap(),
    );
    let is_over = Arc::new(AtomicBool::new(false));
    let _entered = runtime.enter();
    let clock = shuttle::future::spawn(tick(Arc::clone(&runtime), Arc::clone(&is_over)));
    shuttle::future::block_on(async {
        scenario().await;
        is_over.store(true, Ordering::Relaxed);
        clock.await.unwrap();
    });
}

async fn tick(runtime: Arc<Runtime>, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::Relaxed) {
        runtime.block_on(tokio::time::advance(TICK));
        yield_now().await;
    }
}

/// Lets the clock tick only when nothing else can happen, or besides at every so manieth decision.
#[derive(Debug)]
struct Patient<S> {
    inner: S,
    is_hurried: bool,
    preemptions_max: usize,
    executions: usize,
    decisions: usize,
    preemptions: usize,
}

/// In every so manieth execution time passes at every so manieth decision; in the others at every 2nd, 3rd, … of these.
const HURRIES: usize = 40;
const HURRY: usize = 4;

impl<S> Patient<S> {
    fn new(inner: S) -> Self {
        Self {
            inner,
            is_hurried: false,
            preemptions_max: usize::MAX,
            executions: 0,
            decisions: 0,
            preemptions: 0,
        }
    }

    fn hurried(inner: S) -> Self {
        Self {
            is_hurried: true,
            ..Self::new(inner)
        }
    }

    fn is_time(&self) -> bool {
        self.is_hurried && self.decisions.is_multiple_of(HURRY * (self.executions % HURRIES + 1))
    }

    /// Who may go on, of those who can.
    fn choice<'a>(&self, runnable: &[&'a Task], current: Option<TaskId>) -> Vec<&'a Task> {
        let clock = TaskId::from(CLOCK);
        let others: Vec<&Task> = runnable.iter().copied().filter(|task| task.id() != clock).collect();
        if others.is_empty() || self.is_time() {
            return runnable.to_vec();
        }
        let going_on = others.iter().copied().find(|task| Some(task.id()) == current);
        match going_on {
            Some(task) if self.preemptions >= self.preemptions_max => vec![task],
            _ => others,
        }
    }
}

impl<S: Scheduler> Scheduler for Patient<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.executions += 1;
        self.decisions = 0;
        self.preemptions = 0;
        self.inner.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        self.decisions += 1;
        let choice = self.choice(runnable, current);
        let next = self.inner.next_task(&choice, current, is_yielding);
        let could_go_on = choice.iter().any(|task| Some(task.id()) == current);
        self.preemptions += usize::from(could_go_on && next != current);
        next
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}
