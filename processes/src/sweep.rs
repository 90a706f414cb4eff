//! The sweep: the provider's own list of events is the second source beside webhooks, so that a lost webhook is found.
//!
//! The stored cursor only passes events that are done with, and that no other can still be listed before
//! ([`PaymentProvider::lists_in_order_after`](payments::PaymentProvider::lists_in_order_after)): a provider may list an
//! event a moment after a later one. What lies between is listed again and again, and applied once by each run of this
//! process. Young events are left to their webhooks for a moment ([`ProcessSettings`](crate::ProcessSettings)).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::Timestamp;
use event_log::leader;
use futures::{StreamExt, stream};
use payments::{EventPage, ProviderEvent};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::Deps;
use crate::inbox::{Applied, ApplyError, apply_event};
use crate::jobs::cut;

/// Events listed at once.
const PAGE: u32 = 500;
/// Pages of one sweep; the next one goes on from there.
const PAGES_MAX: usize = 100;
/// Events applied side by side: their commands share the log's fsync.
const CONCURRENCY: usize = 64;
/// How many sweeps try an event about something unknown before it is written down for a human, and passed.
const UNKNOWN_SWEEPS_MAX: u32 = 8;
/// Longer than any command takes.
const APPLY_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Sweep {
    deps: Deps,
    /// What webhooks told.
    applied: Applied,
    cancel: CancellationToken,
    /// Where the stored cursor is.
    cursor: Option<String>,
    is_loaded: bool,
    /// Events after the cursor that are done with.
    done: HashSet<String>,
    /// Events after the cursor about something unknown, and how many sweeps have tried them.
    unknown: HashMap<String, u32>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Provider(#[from] payments::ProviderError),
    /// Later, from the same event on.
    #[error("event {event_id}: {reason}")]
    Event { event_id: String, reason: String },
}

impl Sweep {
    pub(crate) fn new(deps: Deps, applied: Applied, cancel: CancellationToken) -> Self {
        Self {
            deps,
            applied,
            cancel,
            cursor: None,
            is_loaded: false,
            done: HashSet::new(),
            unknown: HashMap::new(),
        }
    }

    /// Sweeps at once, then again and again until cancelled.
    pub(crate) async fn run(mut self) {
        let cancel = self.cancel.clone();
        // What is cut off in the middle is swept again at the next start.
        let _cut = cancel.run_until_cancelled(self.sweep_for_ever()).await;
    }

    async fn sweep_for_ever(&mut self) {
        loop {
            leader::on_duty(&*self.deps.log).await;
            if let Err(error) = self.sweep().await {
                warn!("the sweep of the provider's events stopped and will be tried again: {error}");
            }
            tokio::time::sleep(self.deps.settings.sweep_interval).await;
        }
    }

    /// Lists from the cursor to the end, or to events that are too young, and applies what was not applied yet.
    pub(crate) async fn sweep(&mut self) -> Result<(), SweepError> {
        let provider = self.deps.provider.name();
        if !self.is_loaded {
            self.cursor = load_cursor(&self.deps.pool, provider).await?;
            self.is_loaded = true;
        }
        let mut cursor = self.cursor.clone();
        // The stored cursor may only pass a page if it passed all pages before it.
        let mut may_pass = true;
        for _ in 0..PAGES_MAX {
            let EventPage { events, next } = self.deps.provider.list_events(cursor.as_deref(), PAGE).await?;
            let has_young = self.apply_page(&events).await?;
            may_pass = may_pass && events.iter().all(|event| self.is_passed(event));
            let Some(next) = next.filter(|_| !events.is_empty()) else {
                return Ok(());
            };
            if may_pass {
                save_cursor(&self.deps.pool, provider, &next).await?;
                self.cursor = Some(next.clone());
                for event in &events {
                    self.done.remove(&event.id);
                }
            }
            if has_young {
                return Ok(());
            }
            cursor = Some(next);
        }
        Ok(())
    }

    fn is_passed(&self, event: &ProviderEvent) -> bool {
        let settles_after = self.deps.provider.lists_in_order_after();
        let is_settled = settles_after.is_zero() || event.created_at < self.deps.clock.now() - settles_after;
        is_settled && self.is_done(event)
    }

    /// An event that seems to come from far in the future is not young: some clock was set back.
    fn is_young(&self, event: &ProviderEvent) -> bool {
        let age = self.deps.clock.now().signed_duration_since(event.created_at).abs();
        age.to_std().is_ok_and(|age| age < self.deps.settings.sweep_grace)
    }

    fn is_done(&self, event: &ProviderEvent) -> bool {
        self.done.contains(&event.id) || self.applied.contains(&event.id)
    }

    /// Applies what is old enough and not done. Says whether there were events that are too young.
    async fn apply_page(&mut self, events: &[ProviderEvent]) -> Result<bool, SweepError> {
        let open = events.iter().filter(|event| !self.is_done(event)).cloned();
        let (young, due): (Vec<ProviderEvent>, Vec<ProviderEvent>) = open.partition(|event| self.is_young(event));
        let deps = self.deps.clone();
        let apply = due.into_iter().map(|event| apply_in_time(deps.clone(), event));
        let outcomes: Vec<_> = stream::iter(apply).buffered(CONCURRENCY).collect().await;
        metrics::counter!("sweep_applied_total").increment(outcomes.len() as u64);
        let mut outage = None;
        for (event, outcome) in outcomes {
            match outcome {
                Err(ApplyError::Outage(reason)) => {
                    let event_id = event.id;
                    outage = outage.or(Some(SweepError::Event { event_id, reason }));
                }
                outcome => self.settle(&event, outcome).await?,
            }
        }
        outage.map_or(Ok(!young.is_empty()), Err)
    }

    async fn settle(&mut self, event: &ProviderEvent, outcome: Result<(), ApplyError>) -> Result<(), SweepError> {
        match outcome {
            Ok(()) => {}
            Err(ApplyError::Unknown(reason)) => {
                let sweeps = self.unknown.entry(event.id.clone()).or_default();
                *sweeps += 1;
                if *sweeps < UNKNOWN_SWEEPS_MAX {
                    return Ok(());
                }
                self.write_down(event, &reason).await?;
            }
            Err(ApplyError::Outage(reason) | ApplyError::Contradiction(reason)) => {
                self.write_down(event, &reason).await?;
            }
        }
        self.unknown.remove(&event.id);
        self.done.insert(event.id.clone());
        Ok(())
    }

    async fn write_down(&self, event: &ProviderEvent, reason: &str) -> sqlx::Result<()> {
        let (provider, event_id) = (self.deps.provider.name(), &event.id);
        let written = sqlx::query!(
            "INSERT INTO provider_problems (provider, event_id, error, found_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (provider, event_id) DO NOTHING",
            provider,
            event_id,
            cut(reason),
            self.deps.clock.now(),
        )
        .execute(&self.deps.pool)
        .await?;
        if written.rows_affected() == 1 {
            error!(event.id = %event_id, "event {event_id} of {provider} has no effect and waits for a human: {reason}");
        }
        Ok(())
    }
}

async fn apply_in_time(deps: Deps, event: ProviderEvent) -> (ProviderEvent, Result<(), ApplyError>) {
    let applied = tokio::time::timeout(APPLY_LIMIT, apply_event(&deps, "process:sweep", &event)).await;
    let outcome = applied.unwrap_or_else(|_| Err(ApplyError::Outage("not done in time".to_owned())));
    (event, outcome)
}

/// An event that the sweep found and could not act on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderProblem {
    pub provider: String,
    pub event_id: String,
    pub error: String,
    pub found_at: Timestamp,
}

/// Events that wait for a human, the newest first.
pub async fn list_problems(pool: &PgPool, limit: u32) -> sqlx::Result<Vec<ProviderProblem>> {
    sqlx::query_as!(
        ProviderProblem,
        "SELECT provider, event_id, error, found_at
         FROM provider_problems
         ORDER BY found_at DESC, event_id
         LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}

async fn load_cursor(pool: &PgPool, provider: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT cursor FROM provider_cursors WHERE provider = $1", provider)
        .fetch_optional(pool)
        .await
}

async fn save_cursor(pool: &PgPool, provider: &str, cursor: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO provider_cursors (provider, cursor) VALUES ($1, $2)
         ON CONFLICT (provider) DO UPDATE SET cursor = excluded.cursor",
        provider,
        cursor,
    )
    .execute(pool)
    .await?;
    Ok(())
}
