//! What the sequencer tells the rest of the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::witness::Fork;
use crate::leader::Leader;
use crate::{Feed, Head};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Starting,
    Leading,
    /// Another process leads, or this one waits until that one's lease is over.
    Following {
        url: Option<String>,
    },
    /// The database cannot be reached.
    Away(String),
}

impl Standing {
    fn leader(&self) -> Leader {
        match self {
            Self::Leading => Leader::Here,
            Self::Following { url } => Leader::Elsewhere { url: url.clone() },
            Self::Starting | Self::Away(_) => Leader::Nobody,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    standing: watch::Sender<Standing>,
    leader: watch::Sender<Leader>,
    durable: watch::Sender<u64>,
    /// The last event this process knows to be durable, whoever recorded it.
    seen: Mutex<Head>,
    fork: Mutex<Option<Fork>>,
    epoch: AtomicU64,
    /// The last event that was read and not known to be durable before. Locked until the epoch has turned.
    observed: Mutex<u64>,
    feed: Feed,
    lease: Duration,
    started: Instant,
    /// When it was last certain that this process leads: microseconds since `started`.
    confirmed_us: AtomicU64,
}

impl Shared {
    pub(crate) fn new(lease: Duration, seen: Head) -> Self {
        Self {
            standing: watch::Sender::new(Standing::Starting),
            leader: watch::Sender::new(Leader::Nobody),
            durable: watch::Sender::new(0),
            seen: Mutex::new(seen),
            fork: Mutex::new(None),
            epoch: AtomicU64::new(0),
            observed: Mutex::new(0),
            feed: Feed::default(),
            lease,
            started: Instant::now(),
            confirmed_us: AtomicU64::new(0),
        }
    }

    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    pub(crate) fn leader(&self) -> watch::Receiver<Leader> {
        self.leader.subscribe()
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        let leader = standing.leader();
        metrics::gauge!("log_leading").set(u8::from(leader == Leader::Here));
        replace(&self.standing, standing);
        replace(&self.leader, leader);
    }

    pub(crate) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    pub(crate) fn seen(&self) -> Head {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fork(&self) -> Option<Fork> {
        self.fork.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_fork(&self, fork: Option<Fork>) {
        metrics::gauge!("log_forked").set(u8::from(fork.is_some()));
        *self.fork.lock().unwrap_or_else(PoisonError::into_inner) = fork;
    }

    /// Wakes whoever follows the log: it is durable up to here.
    pub(crate) fn announce(&self, head: Head) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.position < head.position {
                *seen = head;
            }
        }
        let position = head.position;
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

    /// Says what somebody read of the log. An event that this process has not recorded, or not yet heard to be durable, ends
    /// the epoch: a lead that others wrote beside learns it here before its next statement is fenced.
    pub(crate) fn observe(&self, position: u64) {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        if position > self.seen().position.max(*observed) {
            *observed = position;
            self.turn_epoch();
        }
    }

    /// The epoch for the one who writes in it, whatever the others may rely on.
    pub(crate) fn epoch_number(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Says that nobody else can have appended before `asked`, when the database was asked for what it then confirmed.
    pub(crate) fn confirm(&self, asked: Instant) {
        self.confirmed_us.fetch_max(self.micros(asked), Ordering::AcqRel);
    }

    /// A process that was paused, or cut off, wakes up with a memory that may be out of date: it is believed for no longer
    /// than the lease, which whoever takes over waits for.
    pub(crate) fn epoch(&self) -> Option<u64> {
        let confirmed = Duration::from_micros(self.confirmed_us.load(Ordering::Acquire));
        let is_certain = self.started.elapsed() < confirmed + self.lease;
        let is_leading = is_certain && *self.standing.borrow() == Standing::Leading;
        is_leading.then(|| self.epoch.load(Ordering::Acquire))
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Wakes whoever watches, if it is another value.
pub(crate) fn replace<T: PartialEq>(sender: &watch::Sender<T>, value: T) {
    sender.send_if_modified(|current| {
        let is_new = *current != value;
        *current = value;
        is_new
    });
}
