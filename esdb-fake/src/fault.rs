//! How the double misbehaves.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

/// Those that are still to come.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    /// Of the next append that nothing else was said about.
    pub fn next(&self, fault: Fault) {
        self.faults().push_back(fault);
    }

    pub(crate) fn take(&self) -> Option<Fault> {
        self.faults().pop_front()
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, VecDeque<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
