//! How far a subscription is, for those who wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The position up to which a subscriber has committed. Clones show the same progress.
#[derive(Clone, Debug)]
pub struct Progress {
    position: Arc<watch::Sender<u64>>,
    stored: Arc<AtomicU64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    pub fn new() -> Self {
        Self {
            position: Arc::new(watch::Sender::new(0)),
            stored: Arc::default(),
        }
    }

    pub fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// The checkpoint that was committed last. A database that crashed may have lost it, and with it what the subscriber wrote:
    /// then its table of checkpoints says less, until the subscriber has done those pages again.
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Acquire)
    }

    /// Waits until the subscriber is at `position` or beyond; `false` if that takes longer than `limit`.
    pub async fn wait_for(&self, position: u64, limit: Duration) -> bool {
        let mut changes = self.position.subscribe();
        tokio::time::timeout(limit, changes.wait_for(|reached| *reached >= position))
            .await
            .is_ok_and(|reached| reached.is_ok())
    }

    /// Follows every change, from now on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    pub(super) fn store(&self, position: u64) {
        self.stored.store(position, Ordering::Release);
    }

    /// Says that everything up to `position` is committed. `run` does so by itself.
    pub fn set(&self, position: u64) {
        self.position.send_replace(position);
    }
}
