//! The worker takes due jobs and runs them; the housekeeper prunes what is done and counts what is not.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use event_log::leader;
use event_log::subscription::Progress;
use futures::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use crate::jobs::{self, Claimed, Endings, Lane};
use crate::processes::POLL_INTERVAL;
use crate::{Deps, Job, JobContext, JobError, JobResult, Outcome, run_job};

/// How long done jobs are kept, for who wants to see what happened.
const DONE_KEPT: Duration = Duration::from_hours(7 * 24);
/// So often it is tried to write down how a job ended, while the database is away: for an hour, about. Then the lease
/// decides, and the try counts.
const RECORD_TRIES_MAX: i32 = 120;
/// How often the housekeeper counts and prunes.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(5);

/// Takes jobs as soon as they are stored, or due.
pub(crate) struct Worker {
    pub(crate) deps: Deps,
    pub(crate) endings: Endings,
    pub(crate) lane: Lane,
    /// Moves when a page's jobs are committed.
    pub(crate) progress: Progress,
    /// A job ended, of whatever lane: there is a place for another, and it may have left jobs of its own.
    pub(crate) ended: Arc<Notify>,
    pub(crate) tracker: TaskTracker,
    pub(crate) cancel: CancellationToken,
}

impl Worker {
    /// Until cancelled. Jobs that run then come to their end on the tracker, within their time limit.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(self.deps.settings.concurrency as usize));
        while !self.cancel.is_cancelled() {
            // A node that follows would only find that it cannot record anything.
            let on_duty = leader::on_duty(&*self.deps.log);
            if self.cancel.run_until_cancelled(on_duty).await.is_none() {
                return;
            }
            // Register for the wake-ups before looking for work, so that none falls in between.
            let seen = self.progress.position();
            let ended = self.ended.notified();
            let wait = match self.start_due(&places).await {
                Ok(wait) => wait,
                Err(error) => {
                    warn!(error = %error, "cannot look for jobs: {error}");
                    POLL_INTERVAL
                }
            };
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = ended => {}
                _ = self.progress.wait_for(seen.saturating_add(1), wait) => {}
            }
        }
    }

    /// Starts as many due jobs as there are places. Says how long nothing will be due, at most.
    async fn start_due(&self, places: &Arc<Semaphore>) -> sqlx::Result<Duration> {
        let free = places.available_permits();
        if free == 0 {
            return Ok(POLL_INTERVAL);
        }
        let now = self.deps.clock.now();
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let lease = self.lane.lease(&self.deps.settings);
        let claimed = jobs::claim(&self.deps.pool, self.lane, now, lease, limit).await?;
        let all_places_taken = claimed.len() == free;
        for job in claimed {
            // Only this task takes places, so those counted are still there.
            if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                self.start(job, place);
            }
        }
        if all_places_taken {
            return Ok(POLL_INTERVAL);
        }
        let next = jobs::next_run_at(&self.deps.pool, self.lane).await?;
        let wait = next.map_or(POLL_INTERVAL, |at| {
            // A millisecond more, because a job that is looked for too early costs another round.
            at.signed_duration_since(now).to_std().unwrap_or_default() + Duration::from_millis(1)
        });
        Ok(wait.min(POLL_INTERVAL))
    }

    fn start(&self, claimed: Claimed, place: OwnedSemaphorePermit) {
        let (deps, endings) = (self.deps.clone(), self.endings.clone());
        let (ended, cancel) = (Arc::clone(&self.ended), self.cancel.clone());
        let lane = self.lane;
        self.tracker.spawn(async move {
            execute(&deps, &endings, &claimed, lane, &cancel).await;
            drop(place);
            ended.notify_waiters();
        });
    }
}

/// Runs a claimed job and writes down how it ended.
pub(crate) async fn execute(deps: &Deps, endings: &Endings, claimed: &Claimed, lane: Lane, cancel: &CancellationToken) {
    let result = attempt(deps, claimed, lane).await;
    if let Some(is_dead) = record(deps, endings, claimed, &result, cancel).await {
        report(claimed, &result, is_dead);
    }
}

/// A database that is away is waited for: a try whose end is never written counts as one that killed its worker, and an
/// outage shall kill no job. `None` if it could not be written until `cancel`: the lease ends, and the job runs again.
async fn record(
    deps: &Deps,
    endings: &Endings,
    claimed: &Claimed,
    result: &JobResult,
    cancel: &CancellationToken,
) -> Option<bool> {
    for failures in 0..RECORD_TRIES_MAX {
        let now = deps.clock.now();
        let recorded = match result {
            Ok(Outcome::Done) => endings.done(claimed, now).await.map(|()| false),
            Ok(Outcome::Then(_) | Outcome::RetryAt(_)) | Err(_) => {
                let recorded = jobs::record(&deps.pool, claimed, result, now, &deps.settings).await;
                recorded.map_err(|error| error.to_string())
            }
        };
        match recorded {
            Ok(is_dead) => return Some(is_dead),
            Err(error) => warn!(
                job.id = claimed.id,
                "cannot record how job {} ended: {error}", claimed.id
            ),
        }
        tokio::select! {
            () = cancel.cancelled() => return None,
            () = tokio::time::sleep(jobs::backoff(deps.settings.backoff_first, failures)) => {}
        }
    }
    None
}

async fn attempt(deps: &Deps, claimed: &Claimed, lane: Lane) -> JobResult {
    let tries_before = claimed.attempts.saturating_sub(1);
    if tries_before >= deps.settings.attempts_max {
        // It was not refused, nor did it fail: whoever tried was gone before it could say so.
        return Err(JobError::Fail(format!(
            "its worker died: {tries_before} tries, the last without an end"
        )));
    }
    let job: Job = serde_json::from_value(claimed.payload.clone())
        .map_err(|error| JobError::Fail(format!("the stored job cannot be read: {error}")))?;
    deps.log.observe(claimed.caused_by);
    let context = JobContext {
        process: job.process(),
        caused_by: claimed.caused_by,
        correlation_id: claimed.correlation_id,
    };
    // A try ends before its lease, so that two workers seldom have the same job at once.
    let limit = lane.lease(&deps.settings) * 4 / 5;
    let run = AssertUnwindSafe(run_job(deps, &context, job)).catch_unwind();
    match tokio::time::timeout(limit, run).await {
        Ok(Ok(result)) => result,
        Ok(Err(_panic)) => Err(JobError::Retry("the job panicked".to_owned())),
        Err(_elapsed) => Err(JobError::Outage(format!("not done within {} ms", limit.as_millis()))),
    }
}

fn report(claimed: &Claimed, result: &JobResult, is_dead: bool) {
    let (id, kind) = (claimed.id, claimed.kind.as_str());
    match result {
        Ok(Outcome::Done | Outcome::Then(_)) => {
            metrics::counter!("jobs_done_total", "kind" => claimed.kind.clone()).increment(1);
            debug!(job.id = id, job.kind = kind, "did job {id} ({kind})");
        }
        Ok(Outcome::RetryAt(at)) => debug!(job.id = id, job.kind = kind, "job {id} ({kind}) waits until {at}"),
        Err(reason) if is_dead => {
            metrics::counter!("jobs_died_total", "kind" => claimed.kind.clone()).increment(1);
            error!(
                job.id = id,
                job.kind = kind,
                "job {id} ({kind}) is dead and waits for a human: {reason}"
            );
        }
        Err(reason) => {
            metrics::counter!("jobs_retried_total", "kind" => claimed.kind.clone()).increment(1);
            warn!(
                job.id = id,
                job.kind = kind,
                "job {id} ({kind}) failed and will be tried again: {reason}"
            );
        }
    }
}

/// Counts for the metrics, and forgets done jobs.
pub(crate) struct Housekeeper {
    pub(crate) deps: Deps,
    pub(crate) cancel: CancellationToken,
}

impl Housekeeper {
    pub(crate) async fn run(self) {
        loop {
            if let Err(error) = self.round().await {
                warn!("housekeeping of jobs failed: {error}");
            }
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = tokio::time::sleep(HOUSEKEEPING_INTERVAL) => {}
            }
        }
    }

    async fn round(&self) -> sqlx::Result<()> {
        let now = self.deps.clock.now();
        let counts = jobs::count(&self.deps.pool, now).await?;
        gauge("jobs_due", counts.due);
        gauge("jobs_dead", counts.dead);
        let webhooks = crate::inbox::count(&self.deps.pool).await?;
        gauge("inbox_open", webhooks.open);
        gauge("inbox_put_aside", webhooks.put_aside);
        let kept = chrono::TimeDelta::from_std(DONE_KEPT).unwrap_or(chrono::TimeDelta::MAX);
        if let Some(done_before) = now.checked_sub_signed(kept) {
            let pruned = jobs::prune(&self.deps.pool, done_before).await?;
            if pruned > 0 {
                info!(jobs.pruned = pruned, "forgot {pruned} jobs that were done long ago");
            }
            crate::mail::prune(&self.deps.pool, done_before).await?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody has 2^52 jobs")]
fn gauge(name: &'static str, value: i64) {
    metrics::gauge!(name).set(value as f64);
}
