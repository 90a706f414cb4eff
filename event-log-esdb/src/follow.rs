//! What others append: the end of the log is looked at now and then, page by page.
//!
//! By reads, each of which ends: a subscription of the engine's client never comes back once the engine ended it cleanly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::delivery::Delivery;
use crate::envelope;
use crate::log::Reader;

pub(crate) struct Follower<C> {
    pub(crate) delivery: Arc<Delivery<C>>,
    pub(crate) reader: Reader<C>,
    pub(crate) epoch: Arc<AtomicU64>,
    /// Everything up to here was seen.
    pub(crate) at: u64,
}

impl<C: Client> Follower<C> {
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut look = tokio::time::interval(self.delivery.limits.look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = look.tick() => {}
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.catch_up() => {}
            }
        }
    }

    async fn catch_up(&mut self) {
        let limit = self.delivery.limits.page;
        loop {
            let page = match self.reader.opened_after(self.at, limit).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, after = self.at, "cannot follow the log");
                    return;
                }
            };
            let is_last = page.len() < limit;
            for envelope::Opened { event, writer } in page {
                if writer != self.delivery.writer {
                    self.epoch.fetch_add(1, Ordering::AcqRel);
                }
                self.at = event.position;
            }
            self.delivery.reached(self.at);
            if is_last {
                return;
            }
        }
    }
}
