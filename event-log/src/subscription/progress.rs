//! How far a subscription is, for those who wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// The position up to which a subscriber has committed. Clones show the same progress.
#[derive(Clone, Debug)]
pub struct Progress {
    position: Arc<watch::Sender<u64>>,
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
        }
    }

    pub fn position(&self) -> u64 {
        *self.position.borrow()
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

    /// Says that everything up to `position` is committed. `run` does so by itself.
    pub fn set(&self, position: u64) {
        self.position.send_replace(position);
    }
}
