//! All subscriptions: what admins do with them, and the task that looks after their carriers.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::{SubscriptionId, Timestamp};
use event_log::{Clock, EventLog, Leader, ReadError, leader};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};

use super::deliver::{Carrier, later};
use super::send::{self, Sender};
use super::store;
use super::{Change, NewSubscription, Rewound, Secret, StoreError, Subscription, TargetError, WebhookSettings};

/// Subscriptions that are due are found within this.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What webhooks work with.
#[derive(Clone)]
pub struct WebhooksDeps {
    pub log: Arc<dyn EventLog>,
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
    pub settings: WebhookSettings,
}

/// A handle on the subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    deps: WebhooksDeps,
    changes: watch::Sender<u64>,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("settings", &self.deps.settings)
            .finish_non_exhaustive()
    }
}

/// How far a subscription is behind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lag {
    pub positions: u64,
    /// The age of the first event that it has not passed.
    pub seconds: u64,
}

impl Webhooks {
    /// Delivers on `tracker` until `cancel` is cancelled, while this process leads the log.
    pub fn start(deps: WebhooksDeps, tracker: &TaskTracker, cancel: &CancellationToken) -> Self {
        let webhooks = Self {
            deps,
            changes: watch::Sender::new(0),
        };
        let (this, fatal, cancel) = (webhooks.clone(), cancel.clone().drop_guard(), cancel.clone());
        tracker.spawn(async move {
            let _fatal = fatal;
            // What is cut off in the middle is delivered once more, under the same id.
            let _cut = cancel.run_until_cancelled(this.look_after()).await;
        });
        webhooks
    }

    /// Why a URL is no place for webhooks of this shop.
    pub fn check_url(&self, url: &str) -> Result<(), TargetError> {
        send::check(url, &self.deps.settings).map(drop)
    }

    /// Its secret is shown this once.
    pub async fn create(&self, new: &NewSubscription) -> Result<(Subscription, Secret), StoreError> {
        let secret = Secret::random();
        let created = store::create(&self.deps.pool, new, &secret).await?;
        info!(subscription.id = %created.id, "subscription {} was made at position {}", created.id, created.position);
        self.changed();
        Ok((created, secret))
    }

    pub async fn find(&self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        store::find(&self.deps.pool, id).await
    }

    pub async fn list(&self, after: u64, limit: u32) -> Result<Vec<Subscription>, StoreError> {
        store::list(&self.deps.pool, after, limit).await
    }

    pub async fn change(&self, id: SubscriptionId, change: &Change) -> Result<Option<Subscription>, StoreError> {
        self.note(store::change(&self.deps.pool, id, change, self.now()).await)
    }

    pub async fn delete(&self, id: SubscriptionId) -> Result<bool, StoreError> {
        let deleted = store::delete(&self.deps.pool, id).await?;
        self.changed();
        Ok(deleted)
    }

    pub async fn pause(&self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        self.note(store::pause(&self.deps.pool, id, self.now()).await)
    }

    pub async fn resume(&self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        self.note(store::resume(&self.deps.pool, id, self.now()).await)
    }

    /// What comes after `position` is delivered, once more if it was before. Any position up to the end of the log.
    pub async fn rewind(&self, id: SubscriptionId, position: u64) -> Result<Rewound, RewindError> {
        if position > self.deps.log.head().await?.position {
            return Ok(Rewound::BeyondTheEnd);
        }
        let rewound = self.note(store::rewind(&self.deps.pool, id, position, self.now()).await)?;
        Ok(rewound.map_or(Rewound::Unknown, |subscription| Rewound::Done(Box::new(subscription))))
    }

    /// A new secret, shown this once; the old one signs beside it for a day. `None` if there is no such subscription.
    pub async fn rotate(&self, id: SubscriptionId) -> Result<Option<Secret>, StoreError> {
        let (secret, now) = (Secret::random(), self.now());
        let old_until = later(now, self.deps.settings.secret_overlap);
        let known = store::rotate(&self.deps.pool, id, &secret, old_until, now).await?;
        self.changed();
        Ok(known.then_some(secret))
    }

    /// How far each of these is behind the end of the log.
    pub async fn lag(&self, subscription: &Subscription) -> Result<Lag, ReadError> {
        let end = self.deps.log.head().await?.position;
        let positions = end.saturating_sub(subscription.position);
        if positions == 0 {
            return Ok(Lag::default());
        }
        let next = self.deps.log.read_all(subscription.position, 1).await?;
        let age = next
            .first()
            .map(|event| self.now().signed_duration_since(event.recorded_at));
        let seconds = age.map_or(0, |age| u64::try_from(age.num_seconds()).unwrap_or(0));
        Ok(Lag { positions, seconds })
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    fn note(&self, done: Result<Option<Subscription>, StoreError>) -> Result<Option<Subscription>, StoreError> {
        self.changed();
        done
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// While this process leads, each subscription that is due has a carrier. A process that no longer leads drops them all.
    async fn look_after(&self) {
        let sender = Sender::new(&self.deps.settings);
        loop {
            leader::on_duty(&*self.deps.log).await;
            let mut leading = self.deps.log.leader();
            tokio::select! {
                _ = leading.wait_for(|leader| *leader != Leader::Here) => {}
                () = self.carry_all(&sender) => {}
            }
        }
    }

    async fn carry_all(&self, sender: &Sender) {
        // Carriers end with this map.
        let tasks = TaskTracker::new();
        let mut carriers: HashMap<SubscriptionId, AbortOnDropHandle<()>> = HashMap::new();
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            carriers.retain(|_, carrier| !carrier.is_finished());
            match store::find_due(&self.deps.pool, self.now()).await {
                Ok(due) => {
                    for id in due {
                        carriers
                            .entry(id)
                            .or_insert_with(|| AbortOnDropHandle::new(tasks.spawn(self.carrier(id, sender).run())));
                    }
                }
                Err(error) => warn!("cannot look for webhook subscriptions: {error}"),
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    fn carrier(&self, id: SubscriptionId, sender: &Sender) -> Carrier {
        Carrier {
            log: Arc::clone(&self.deps.log),
            pool: self.deps.pool.clone(),
            clock: Arc::clone(&self.deps.clock),
            sender: sender.clone(),
            settings: self.deps.settings,
            id,
            changes: self.changes.subscribe(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the end of the log")]
    Read(#[from] ReadError),
}
