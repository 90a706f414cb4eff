//! One subscription on its way along the log.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{SubscriptionId, Timestamp};
use event_log::{Clock, EventLog, RecordedEvent};
use rand::Rng;
use sqlx::PgPool;
use tokio::sync::watch;
use tracing::{info, warn};

use super::send::{SendError, Sender};
use super::store::{self, Failure, StoreError};
use super::{Message, PausedReason, Secret, Subscription, WebhookSettings};

/// Events that are read at a time.
const PAGE: usize = 200;
/// A subscription that has seen everything looks again after this at the latest, when nobody wakes it.
const IDLE: Duration = Duration::from_secs(1);
/// It looks no more often than this, however fast the log grows.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// The pause after the database or the log was away.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);
/// A longer text of an error is cut.
const ERROR_CHARS_MAX: usize = 500;
/// From so many failures on, the wait is the longest.
const DOUBLINGS_MAX: u32 = 20;

/// What one subscription is carried by.
pub(super) struct Carrier {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) pool: PgPool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sender: Sender,
    pub(super) settings: WebhookSettings,
    pub(super) id: SubscriptionId,
    /// Moves when an admin changed a subscription.
    pub(super) changes: watch::Receiver<u64>,
}

/// Why a stretch of the way ended.
enum Halt {
    /// It has seen everything.
    AtTheEnd,
    /// Somebody changed the subscription: look at it again.
    Changed,
    /// It was not taken, and when to try again is written down; or it is paused, or gone.
    Resting,
}

impl Carrier {
    /// Until the subscription rests; whoever looks after all of them begins again when it is due.
    pub(super) async fn run(mut self) {
        let mut wake = self.log.wake();
        loop {
            // Registered before looking, so that nothing happens unnoticed in between.
            wake.mark_unchanged();
            self.changes.mark_unchanged();
            let pause = match self.walk().await {
                Ok(Halt::Resting) => return,
                Ok(Halt::Changed) => continue,
                Ok(Halt::AtTheEnd) => IDLE,
                Err(error) => {
                    warn!(subscription.id = %self.id, "webhooks wait: {error}");
                    tokio::time::sleep(OUTAGE_PAUSE).await;
                    continue;
                }
            };
            tokio::time::sleep(LOOK_PAUSE).await;
            tokio::select! {
                _ = wake.changed() => {}
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// A page of the log.
    async fn walk(&self) -> Result<Halt, CarryError> {
        let now = self.clock.now();
        let Some(subscription) = store::find(&self.pool, self.id).await? else {
            return Ok(Halt::Resting);
        };
        if subscription.paused.is_some() || subscription.retry_at.is_some_and(|at| at > now) {
            return Ok(Halt::Resting);
        }
        let page = self.log.read_all(subscription.position, PAGE).await?;
        let Some(last) = page.last().map(|event| event.position) else {
            return Ok(Halt::AtTheEnd);
        };
        let secrets = store::secrets(&self.pool, self.id, now).await?;
        let mut reached = subscription.position;
        for event in page.iter().filter(|event| subscription.wants(&event.event_type)) {
            if let Some(halt) = self.deliver(&subscription, event, &secrets).await? {
                return Ok(halt);
            }
            reached = event.position;
        }
        if reached < last && !store::advance(&self.pool, &subscription, last, None).await? {
            return Ok(Halt::Changed);
        }
        Ok(if page.len() < PAGE {
            Halt::AtTheEnd
        } else {
            Halt::Changed
        })
    }

    /// One event. `None` if it was taken, and the cursor is behind it.
    async fn deliver(
        &self,
        subscription: &Subscription,
        event: &RecordedEvent,
        secrets: &[Secret],
    ) -> Result<Option<Halt>, CarryError> {
        let message = Message::about(event)?;
        match self
            .sender
            .send(&subscription.url, &message, secrets, self.clock.now())
            .await
        {
            Ok(()) => {
                metrics::counter!("webhooks_delivered_total").increment(1);
                let taken_at = Some(self.clock.now());
                let moved = store::advance(&self.pool, subscription, event.position, taken_at).await?;
                Ok((!moved).then_some(Halt::Changed))
            }
            Err(error) => {
                metrics::counter!("webhooks_failed_total").increment(1);
                self.fail(subscription, event.position, &error).await?;
                Ok(Some(Halt::Resting))
            }
        }
    }

    async fn fail(&self, walked: &Subscription, position: u64, error: &SendError) -> Result<(), CarryError> {
        // Events before this one may have been taken on this page: the row counts failures since then.
        let Some(subscription) = store::find(&self.pool, self.id).await? else {
            return Ok(());
        };
        let at = self.clock.now();
        let paused = verdict(&subscription, error, at, &self.settings);
        let wait = wait(&subscription, error, &self.settings);
        let failure = Failure {
            error: error.to_string().chars().take(ERROR_CHARS_MAX).collect(),
            at,
            retry_at: later(at, wait),
            paused,
        };
        store::fail(&self.pool, walked, &failure).await?;
        if let Some(reason) = paused {
            warn!(
                subscription.id = %self.id,
                "webhooks of subscription {} are paused ({}) before position {position}: {error}",
                self.id,
                reason.name()
            );
        } else {
            info!(
                subscription.id = %self.id,
                "position {position} was not taken by subscription {}, again in {} ms: {error}",
                self.id,
                wait.as_millis()
            );
        }
        Ok(())
    }
}

/// Whether a failure is one too many.
fn verdict(
    subscription: &Subscription,
    error: &SendError,
    now: Timestamp,
    settings: &WebhookSettings,
) -> Option<PausedReason> {
    if matches!(error, SendError::Gone) {
        return Some(PausedReason::Gone);
    }
    let limit = TimeDelta::from_std(settings.give_up_after).unwrap_or(TimeDelta::MAX);
    let is_dead = subscription
        .failing_since
        .is_some_and(|since| now.signed_duration_since(since) >= limit);
    is_dead.then_some(PausedReason::Failing)
}

/// Doubles with each failure up to a limit; half of it is chance. A receiver may ask for more, up to the same limit.
fn wait(subscription: &Subscription, error: &SendError, settings: &WebhookSettings) -> Duration {
    let factor = 2_u32.saturating_pow(subscription.failures.min(DOUBLINGS_MAX));
    let full = settings.backoff_first.saturating_mul(factor).min(settings.backoff_max);
    let half = full / 2;
    let chance_ms = u64::try_from(half.as_millis()).unwrap_or(0);
    let own = half + Duration::from_millis(rand::rng().random_range(0..=chance_ms));
    let asked = match error {
        SendError::Status { retry_after, .. } => retry_after.unwrap_or_default(),
        SendError::Target(_) | SendError::Gone | SendError::Unanswered(_) => Duration::ZERO,
    };
    own.max(asked.min(settings.backoff_max))
}

/// `moment + wait`, or the end of time.
pub(super) fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| moment.checked_add_signed(wait))
        .unwrap_or(Timestamp::MAX_UTC)
}

/// What is not the receiver's fault.
#[derive(Debug, thiserror::Error)]
enum CarryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Read(#[from] event_log::ReadError),
    #[error("an event cannot be written as a message: {0}")]
    Message(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use reqwest::StatusCode;
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn subscription(failures: u32, failing_since: Option<Timestamp>) -> Subscription {
        Subscription {
            id: SubscriptionId::from_uuid(Uuid::from_u128(1)),
            seq: 1,
            url: "https://hooks.example.org/".to_owned(),
            description: String::new(),
            event_types: vec![],
            paused: None,
            position: 0,
            term: 1,
            failures,
            failing_since,
            retry_at: None,
            last_error: None,
            delivered_at: None,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn busy(seconds: u64) -> SendError {
        SendError::Status {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let settings = WebhookSettings::default();
        let silent = SendError::Unanswered(String::new());
        for (failures, least, most) in [
            (0, 2_500, 5_000),
            (1, 5_000, 10_000),
            (5, 80_000, 160_000),
            (400, 1_800_000, 3_600_000),
        ] {
            let wait = wait(&subscription(failures, None), &silent, &settings).as_millis();
            assert!((least..=most).contains(&wait), "{failures}: {wait}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_patience_but_not_for_ever() {
        let settings = WebhookSettings::default();
        assert_eq!(
            wait(&subscription(0, None), &busy(60), &settings),
            Duration::from_mins(1)
        );
        assert_eq!(
            wait(&subscription(0, None), &busy(1_000_000), &settings),
            settings.backoff_max
        );
    }

    #[test]
    fn a_receiver_that_is_dead_for_days_is_paused_and_one_that_is_gone_at_once() {
        let settings = WebhookSettings::default();
        let silent = SendError::Unanswered(String::new());
        let days = 3 * 24 * 3_600;
        let failing = subscription(60, Some(at(0)));
        assert_eq!(verdict(&failing, &silent, at(days - 1), &settings), None);
        assert_eq!(
            verdict(&failing, &silent, at(days), &settings),
            Some(PausedReason::Failing)
        );
        assert_eq!(verdict(&subscription(0, None), &silent, at(days), &settings), None);
        assert_eq!(
            verdict(&subscription(0, None), &SendError::Gone, at(0), &settings),
            Some(PausedReason::Gone)
        );
    }
}
