//! What the sequencer tells the rest of the process.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::Feed;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Starting,
    Leading,
    /// The database cannot be reached, or another process leads.
    Away(String),
}

#[derive(Debug)]
pub(crate) struct Shared {
    standing: watch::Sender<Standing>,
    durable: watch::Sender<u64>,
    epoch: AtomicU64,
    feed: Feed,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            standing: watch::Sender::new(Standing::Starting),
            durable: watch::Sender::new(0),
            epoch: AtomicU64::new(0),
            feed: Feed::default(),
        }
    }

    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        self.standing.send_if_modified(|current| {
            let is_new = *current != standing;
            *current = standing;
            is_new
        });
    }

    pub(crate) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    pub(crate) fn announce(&self, position: u64) {
        self.durable.send_if_modified(|durable| {
            let is_new = *durable < position;
            *durable = (*durable).max(position);
            is_new
        });
    }

    pub(crate) const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Says that somebody else may have appended.
    pub(crate) fn turn_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn epoch(&self) -> Option<u64> {
        let is_leading = *self.standing.borrow() == Standing::Leading;
        is_leading.then(|| self.epoch.load(Ordering::Acquire))
    }
}
