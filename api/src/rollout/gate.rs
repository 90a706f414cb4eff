//! The roll-out in memory: holding a seat looks here, and never at the database.
//!
//! The shop's stream is the truth. This is what it said a moment ago: at once on the node that took a change, and at most
//! [`REFRESH_INTERVAL`] later on a node that took over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::{Rollout, Shop, ShopError};
use event_log::{Aggregates, ExecuteError, Executor};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// How often the shop is asked whether anything has changed.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct RolloutGate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    shop: Executor<Shop>,
    is_restricted: AtomicBool,
    current: RwLock<Arc<Rollout>>,
}

impl RolloutGate {
    /// Reads the roll-out, and follows it on `tracker` until `cancel` is cancelled.
    pub async fn start(
        aggregates: &Aggregates,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Self, ExecuteError<ShopError>> {
        let gate = Self(Arc::new(Shared {
            shop: aggregates.shop.clone(),
            is_restricted: AtomicBool::new(false),
            current: RwLock::default(),
        }));
        gate.refresh().await?;
        tracker.spawn(gate.clone().follow(cancel));
        Ok(gate)
    }

    /// Nothing where everybody may sell everywhere.
    pub(crate) fn in_force(&self) -> Option<Arc<Rollout>> {
        self.0.is_restricted.load(Ordering::Acquire).then(|| self.current())
    }

    pub(crate) fn current(&self) -> Arc<Rollout> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what the shop says now.
    pub(crate) async fn refresh(&self) -> Result<(), ExecuteError<ShopError>> {
        let known = self.current().revision();
        let news = |shop: &Shop| (shop.rollout().revision() != known).then(|| shop.rollout().clone());
        let (news, _) = self.0.shop.read(Shop::ID.as_uuid(), news).await?;
        if let Some(news) = news {
            let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
            // Two that refresh at once may come in any order.
            if news.revision() > current.revision() {
                self.0.is_restricted.store(!news.is_open_to_all(), Ordering::Release);
                *current = Arc::new(news);
            }
        }
        Ok(())
    }

    async fn follow(self, cancel: CancellationToken) {
        while cancel
            .run_until_cancelled(tokio::time::sleep(REFRESH_INTERVAL))
            .await
            .is_some()
        {
            if let Err(error) = self.refresh().await {
                warn!("the roll-out cannot be read, and stays as it was: {error}");
            }
        }
    }
}
