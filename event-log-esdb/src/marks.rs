//! Where the log was at which time: a mark now and then, so that a time is not looked for from the start each time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::Timestamp;

/// With so many, every other one is forgotten.
const MARKS_MAX: usize = 1 << 16;

/// By the time of the event, its position. Everything before it was recorded by then.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<BTreeMap<Timestamp, u64>>);

impl Marks {
    pub(crate) fn set(&self, time: Timestamp, position: u64) {
        let mut marks = self.marks();
        let mark = marks.entry(time).or_default();
        *mark = position.max(*mark);
        if marks.len() > MARKS_MAX {
            let mut is_kept = false;
            marks.retain(|_, _| {
                is_kept = !is_kept;
                is_kept
            });
        }
    }

    /// The last mark at or before a time; 0 if there is none.
    pub(crate) fn before(&self, time: Timestamp) -> u64 {
        let marks = self.marks();
        marks.range(..=time).next_back().map_or(0, |(_, position)| *position)
    }

    fn marks(&self) -> MutexGuard<'_, BTreeMap<Timestamp, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
