//! How the double misbehaves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// It is stored, and the answer says that it never will be.
    StoredButRefused,
    /// It is not stored: whoever asks may not.
    Denied,
    /// It is stored, and the answer comes this much later.
    Delayed(Duration),
    /// It is stored, and the answer leaves out where.
    WithoutPosition,
    /// It is stored, and no answer comes.
    StoredAndSilent,
    /// It is stored, and the answer has nothing in it.
    StoredAndEmpty,
    /// This node does not lead; another one does.
    NotLeader { host: String, port: u16 },
}

/// What goes wrong with the next read, or with the next subscription when it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadFault {
    Unavailable,
    /// The answer begins this much later.
    Delayed(Duration),
    /// No answer comes.
    Silent,
    /// The answer has nothing in it, and does not say that there is nothing.
    Empty,
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
    of_reads: Mutex<VecDeque<ReadFault>>,
    of_subscriptions: Mutex<VecDeque<ReadFault>>,
    is_repeating: AtomicBool,
    cuts: watch::Sender<Cuts>,
    begun: AtomicUsize,
    /// Odd while the link is cut.
    link: AtomicU32,
}

impl Faults {
    /// Of the next append that nothing else was said about.
    pub fn next(&self, fault: Fault) {
        locked(&self.of_appends).push_back(fault);
    }

    /// Of the next read that nothing else was said about.
    pub fn next_read(&self, fault: ReadFault) {
        locked(&self.of_reads).push_back(fault);
    }

    /// Of the next subscription that nothing else was said about.
    pub fn next_subscription(&self, fault: ReadFault) {
        locked(&self.of_subscriptions).push_back(fault);
    }

    /// From now on the subscriptions say again what they have just said.
    pub fn repeat(&self) {
        self.is_repeating.store(true, Ordering::Relaxed);
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

    pub(crate) fn cut_link(&self) {
        self.link.fetch_or(1, Ordering::AcqRel);
    }

    pub(crate) fn mend_link(&self) {
        if !is_whole(self.link()) {
            self.link.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What a connection that begins now belongs to.
    pub(crate) fn link(&self) -> u32 {
        self.link.load(Ordering::Acquire)
    }

    /// Whether something comes through on a connection that began with this.
    pub(crate) fn is_through(&self, link: u32) -> bool {
        is_whole(link) && self.link() == link
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<Cuts> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.cuts.subscribe()
    }

    pub(crate) fn is_repeating(&self) -> bool {
        self.is_repeating.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> Option<Fault> {
        locked(&self.of_appends).pop_front()
    }

    pub(crate) fn take_of_read(&self) -> Option<ReadFault> {
        locked(&self.of_reads).pop_front()
    }

    pub(crate) fn take_of_subscription(&self) -> Option<ReadFault> {
        locked(&self.of_subscriptions).pop_front()
    }
}

fn is_whole(link: u32) -> bool {
    link.is_multiple_of(2)
}

fn locked<T>(of: &Mutex<VecDeque<T>>) -> MutexGuard<'_, VecDeque<T>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
