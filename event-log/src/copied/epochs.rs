//! When what is kept in memory is out of date: the copy got an event that whoever keeps it did not hear of.
//!
//! Invariants: while such an event is on its way into the copy there is no epoch, and when it is there another one begins. So
//! nothing that was loaded without it is trusted once it can be read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{RecordedEvent, StreamId};

/// Streams of which more than these are in doubt: all are, for a while.
const DOUBTS_MAX: usize = 4096;
/// Longer than an append is on its way to the other log, or from there into the copy.
const DOUBTED_FOR: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Epochs {
    turns: AtomicU64,
    is_on_its_way: AtomicBool,
    doubts: Mutex<Doubts>,
}

/// Appends that were given up, though they may be recorded, or whose refusal rests on what is not copied yet.
#[derive(Debug, Default)]
struct Doubts {
    /// Up to which event. Ids are enough: two kinds with the same one only end an epoch too much.
    streams: HashMap<Arc<str>, u64>,
    everything_until: Option<Instant>,
}

impl Epochs {
    /// `None` while nothing can be trusted.
    pub(super) fn turns(&self) -> Option<u64> {
        (!self.is_on_its_way.load(Ordering::Acquire)).then(|| self.turns.load(Ordering::Acquire))
    }

    /// Whoever appends to this stream was not told of what it holds up to `sequence`.
    pub(super) fn doubt(&self, stream: &StreamId, sequence: u64) {
        let mut doubts = self.doubts();
        if doubts.streams.len() >= DOUBTS_MAX {
            doubts.streams.clear();
            doubts.everything_until = Some(Instant::now() + DOUBTED_FOR);
        }
        let known = doubts.streams.entry(Arc::clone(&stream.aggregate_id)).or_default();
        *known = sequence.max(*known);
    }

    /// This is about to be copied. `is_foreign` if others appended some of it.
    pub(super) fn begin(&self, page: &[RecordedEvent], is_foreign: bool) {
        if is_foreign || self.doubts().concern(page) {
            self.is_on_its_way.store(true, Ordering::Release);
        }
    }

    /// It is copied, and can be read.
    pub(super) fn end(&self, page: &[RecordedEvent]) {
        let was_doubted = self.doubts().settle(page);
        if was_doubted || self.is_on_its_way.load(Ordering::Acquire) {
            self.turn();
        }
    }

    /// Everything that the other log holds is copied, whoever appended it.
    pub(super) fn turn(&self) {
        self.turns.fetch_add(1, Ordering::AcqRel);
        self.is_on_its_way.store(false, Ordering::Release);
    }

    fn doubts(&self) -> MutexGuard<'_, Doubts> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doubts {
    fn concern(&self, page: &[RecordedEvent]) -> bool {
        if self.everything_until.is_some() {
            return !page.is_empty();
        }
        !self.streams.is_empty() && page.iter().any(|event| self.streams.contains_key(&*event.aggregate_id))
    }

    /// Forgets what is in the copy now. `true` if there was something.
    fn settle(&mut self, page: &[RecordedEvent]) -> bool {
        let is_concerned = self.concern(page);
        if is_concerned {
            self.everything_until = self.everything_until.filter(|until| *until > Instant::now());
            for event in page {
                if self
                    .streams
                    .get(&*event.aggregate_id)
                    .is_some_and(|last| event.sequence >= *last)
                {
                    self.streams.remove(&*event.aggregate_id);
                }
            }
        }
        is_concerned
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn stream(id: &str) -> StreamId {
        StreamId {
            aggregate_type: "counter",
            aggregate_id: id.into(),
        }
    }

    fn event(id: &str, sequence: u64) -> RecordedEvent {
        RecordedEvent {
            position: 1,
            aggregate_type: "counter".to_owned(),
            aggregate_id: id.to_owned(),
            sequence,
            event_type: "counted".to_owned(),
            event_version: "1".to_owned(),
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            recorded_at: Timestamp::UNIX_EPOCH,
            hash: [0; 32],
        }
    }

    /// How often the epoch ended while this was copied, and whether there was one meanwhile.
    fn copied(epochs: &Epochs, page: &[RecordedEvent], is_foreign: bool) -> (u64, bool) {
        let before = epochs.turns().unwrap();
        epochs.begin(page, is_foreign);
        let is_trusted = epochs.turns().is_some();
        epochs.end(page);
        (epochs.turns().unwrap() - before, is_trusted)
    }

    #[test]
    fn what_was_given_up_ends_an_epoch_when_it_is_copied_after_all() {
        let epochs = Epochs::default();
        assert_eq!(copied(&epochs, &[event("a", 1)], false), (0, true));
        assert_eq!(copied(&epochs, &[event("a", 2)], true), (1, false));
        epochs.doubt(&stream("a"), 4);
        assert_eq!(copied(&epochs, &[event("b", 1)], false), (0, true));
        assert_eq!(copied(&epochs, &[event("b", 2), event("a", 3)], false), (1, false));
        assert_eq!(copied(&epochs, &[event("a", 4)], false), (1, false));
        assert_eq!(copied(&epochs, &[event("a", 5)], false), (0, true));
    }

    #[test]
    fn what_is_given_up_while_it_is_copied_ends_an_epoch_too() {
        let epochs = Epochs::default();
        let page = [event("a", 1)];
        epochs.begin(&page, false);
        epochs.doubt(&stream("a"), 1);
        epochs.end(&page);
        assert_eq!(epochs.turns(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn doubts_are_bounded() {
        let epochs = Epochs::default();
        for nth in 0..=DOUBTS_MAX {
            epochs.doubt(&stream(&nth.to_string()), 1);
        }
        assert_eq!(copied(&epochs, &[event("0", 1)], false), (1, false));
        assert_eq!(copied(&epochs, &[event("1", 1)], false), (1, false));
        tokio::time::advance(DOUBTED_FOR).await;
        assert_eq!(copied(&epochs, &[event("2", 1)], false), (1, false));
        assert_eq!(copied(&epochs, &[event("3", 1)], false), (0, true));
    }
}
