//! The sweep: the provider's own list of events is the second source beside webhooks, so that a lost webhook is found.
//!
//! The stored cursor follows at a distance: it only passes events that are older than [`SETTLED_AFTER`], because a
//! provider may list an event a moment after a later one. What lies between is listed again and again, and applied once
//! by each run of this process.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::Timestamp;
use payments::{EventPage, ProviderEvent};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::Deps;
use crate::inbox::{ApplyError, apply_event};
use crate::jobs::cut;

/// An event of this age has all earlier events before it in the provider's list.
pub const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// Events listed at once.
const PAGE: u32 = 100;
/// Pages of one sweep; the next one goes on from there.
const PAGES_MAX: usize = 100;
/// How many sweeps try an event about something unknown before it is written down for a human, and passed.
const UNKNOWN_SWEEPS_MAX: u32 = 8;
/// Longer than any command takes.
const APPLY_LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Sweep {
    deps: Deps,
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
enum SweepError {
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Provider(#[from] payments::ProviderError),
    /// Later, from the same event on.
    #[error("event {event_id}: {reason}")]
    Event { event_id: String, reason: String },
}

impl Sweep {
    pub(crate) fn new(deps: Deps, cancel: CancellationToken) -> Self {
        Self {
            deps,
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
            if let Err(error) = self.sweep().await {
                warn!("the sweep of the provider's events stopped and will be tried again: {error}");
            }
            tokio::time::sleep(self.deps.settings.sweep_interval).await;
        }
    }

    /// Lists from the cursor to the end and applies what was not applied yet.
    async fn sweep(&mut self) -> Result<(), SweepError> {
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
            for event in &events {
                self.apply(event).await?;
            }
            let settled_before = self.deps.clock.now() - SETTLED_AFTER;
            may_pass = may_pass && events.iter().all(|event| self.is_passed(event, settled_before));
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
            cursor = Some(next);
        }
        Ok(())
    }

    fn is_passed(&self, event: &ProviderEvent, settled_before: Timestamp) -> bool {
        event.created_at < settled_before && self.done.contains(&event.id)
    }

    async fn apply(&mut self, event: &ProviderEvent) -> Result<(), SweepError> {
        if self.done.contains(&event.id) {
            return Ok(());
        }
        let apply = apply_event(&self.deps, "process:sweep", event);
        let applied = tokio::time::timeout(APPLY_LIMIT, apply).await;
        match applied.unwrap_or_else(|_| Err(ApplyError::Outage("not done in time".to_owned()))) {
            Ok(()) => {}
            Err(ApplyError::Outage(reason)) => {
                let event_id = event.id.clone();
                return Err(SweepError::Event { event_id, reason });
            }
            Err(ApplyError::Unknown(reason)) => {
                let sweeps = self.unknown.entry(event.id.clone()).or_default();
                *sweeps += 1;
                if *sweeps < UNKNOWN_SWEEPS_MAX {
                    return Ok(());
                }
                self.write_down(event, &reason).await?;
            }
            Err(ApplyError::Contradiction(reason)) => self.write_down(event, &reason).await?,
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
