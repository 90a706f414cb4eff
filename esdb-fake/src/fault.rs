//! How the double misbehaves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What goes wrong with the next append.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is stored, and the answer says that the server is not available.
    StoredButUnavailable,
    /// It is not stored, and the answer says so in the same words.
    Unavailable,
    /// It is not stored, and would not be if it came again.
    Refused,
    /// It is stored, and the answer comes this much later.
    Delayed(Duration),
    /// It is stored, and the answer leaves out where.
    WithoutPosition,
    /// It is stored, and no answer comes.
    StoredAndSilent,
    /// This node does not lead; another one does.
    NotLeader { host: String, port: u16 },
}

/// What happened to the subscriptions of this node so far: how often they were ended, and how often they were made silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cuts {
    pub(crate) ended: u32,
    pub(crate) silenced: u32,
}

/// Those that are still to come.
#[derive(Debug, Default)]
pub struct Faults {
    of_appends: Mutex<VecDeque<Fault>>,
    cuts: watch::Sender<Cuts>,
    begun: AtomicUsize,
}

impl Faults {
    /// Of the next append that nothing else was said about.
    pub fn next(&self, fault: Fault) {
        self.faults().push_back(fault);
    }

    /// Ends all subscriptions that there are, as if all had been said.
    pub fn end_subscriptions(&self) {
        self.cuts.send_modify(|cuts| cuts.ended += 1);
    }

    /// The subscriptions that there are bring nothing more, and do not end.
    pub fn silence_subscriptions(&self) {
        self.cuts.send_modify(|cuts| cuts.silenced += 1);
    }

    /// How many subscriptions there are.
    pub fn subscriptions(&self) -> usize {
        self.cuts.receiver_count()
    }

    /// How many have begun, ever.
    pub fn subscriptions_begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<Cuts> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.cuts.subscribe()
    }

    pub(crate) fn take(&self) -> Option<Fault> {
        self.faults().pop_front()
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, VecDeque<Fault>> {
        self.of_appends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
