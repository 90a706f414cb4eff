//! The task that reads stored webhooks.

use std::sync::Arc;
use std::time::Duration;

use event_log::leader;
use futures::{StreamExt, stream};
use payments::WebhookError;
use payments::store::STORE;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::store::{DueWebhook, find_due, mark_failed, mark_handled};
use super::{Applied, ApplyError, apply_event, store_notice};
use crate::Deps;
use crate::job::later;
use crate::jobs::{backoff, cut};
use crate::processes::POLL_INTERVAL;

/// The actor in the log.
const PROCESS: &str = "process:inbox";
/// Webhooks taken at once.
const BATCH: u16 = 256;
/// Webhooks read side by side: their commands share the log's fsync.
const CONCURRENCY: usize = 128;
/// How often a webhook about something unknown is read before it is put aside: for half a minute or so.
const UNKNOWN_ATTEMPTS_MAX: i32 = 8;
/// An outage is asked for again after this.
const OUTAGE_WAIT: Duration = Duration::from_secs(1);
/// Longer than any command takes; a webhook that is not through by then is read again.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// Whose webhooks are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Provider,
    Store,
}

pub(crate) struct Reader {
    pub(crate) source: Source,
    pub(crate) deps: Deps,
    pub(crate) applied: Applied,
    /// A webhook was stored.
    pub(crate) wake: Arc<Notify>,
    pub(crate) cancel: CancellationToken,
}

struct Read {
    webhook: DueWebhook,
    result: Result<(), ApplyError>,
}

impl Reader {
    pub(crate) async fn run(self) {
        // What is cut off in the middle is read again at the next start.
        let _cut = self.cancel.run_until_cancelled(self.read_for_ever()).await;
    }

    async fn read_for_ever(&self) {
        loop {
            leader::on_duty(&*self.deps.log).await;
            // Register before looking, so that no wake-up falls in between.
            let woken = self.wake.notified();
            match self.read_due().await {
                Ok(found) if found == usize::from(BATCH) => continue,
                Ok(_) => {}
                Err(error) => warn!("cannot read webhooks: {error}"),
            }
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    /// Reads what is due, and says how many that were.
    pub(crate) async fn read_due(&self) -> sqlx::Result<usize> {
        let provider = match self.source {
            Source::Provider => self.deps.provider.name(),
            Source::Store => STORE,
        };
        let now = self.deps.clock.now();
        let due = find_due(&self.deps.pool, provider, now, i64::from(BATCH)).await?;
        let found = due.len();
        let read = stream::iter(due).map(|webhook| self.read(webhook));
        let outcomes: Vec<Read> = read.buffer_unordered(CONCURRENCY).collect().await;
        let mut handled = Vec::with_capacity(found);
        for Read { webhook, result } in outcomes {
            match result {
                Ok(()) => handled.push(webhook.id),
                Err(error) => self.put_off(&webhook, error).await?,
            }
        }
        mark_handled(&self.deps.pool, &handled, self.deps.clock.now()).await?;
        metrics::counter!("inbox_handled_total").increment(handled.len() as u64);
        Ok(found)
    }

    async fn read(&self, webhook: DueWebhook) -> Read {
        let applied = tokio::time::timeout(READ_LIMIT, self.apply(&webhook.body)).await;
        let result = applied.unwrap_or_else(|_| Err(ApplyError::Outage("not done in time".to_owned())));
        Read { webhook, result }
    }

    async fn put_off(&self, webhook: &DueWebhook, error: ApplyError) -> sqlx::Result<()> {
        let (pool, now, id) = (&self.deps.pool, self.deps.clock.now(), webhook.id);
        match error {
            ApplyError::Outage(reason) => {
                warn!(webhook.id = id, "webhook {id} waits: {reason}");
                mark_failed(pool, id, &cut(&reason), false, Some(later(now, OUTAGE_WAIT))).await
            }
            ApplyError::Unknown(reason) if webhook.attempts + 1 < UNKNOWN_ATTEMPTS_MAX => {
                let wait = backoff(self.deps.settings.backoff_first, webhook.attempts);
                mark_failed(pool, id, &cut(&reason), true, Some(later(now, wait))).await
            }
            ApplyError::Unknown(reason) | ApplyError::Contradiction(reason) => {
                error!(
                    webhook.id = id,
                    "webhook {id} is put aside and waits for a human: {reason}"
                );
                mark_failed(pool, id, &cut(&reason), true, None).await
            }
        }
    }

    async fn apply(&self, body: &[u8]) -> Result<(), ApplyError> {
        if self.source == Source::Store {
            return store_notice::apply(&self.deps, PROCESS, body).await;
        }
        match self.deps.provider.parse_webhook(body) {
            Ok(event) => {
                apply_event(&self.deps, PROCESS, &event).await?;
                self.applied.note(&event.id);
                Ok(())
            }
            Err(error @ (WebhookError::Unreadable(_) | WebhookError::BadSignature | WebhookError::TooOld { .. })) => {
                Err(ApplyError::Contradiction(error.to_string()))
            }
        }
    }
}
