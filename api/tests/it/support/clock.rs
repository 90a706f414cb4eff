//! A clock that can be put ahead: what takes days happens at once.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use domain::Timestamp;
use event_log::{Clock, SystemClock};

/// The machine's time, and so much more. Clones show the same.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    ahead: Arc<Mutex<TimeDelta>>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            ahead: Arc::new(Mutex::new(TimeDelta::zero())),
        }
    }

    pub(crate) fn skip(&self, time: TimeDelta) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
