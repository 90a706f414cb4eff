//! Where the events of the other log lie in the copy, as far as somebody may still wait for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

/// Copied events that are remembered: an append that is acknowledged later than these looks into the copy itself.
const REMEMBERED: usize = 16_384;

#[derive(Debug)]
pub(super) struct Places {
    state: Mutex<State>,
    /// Everything up to here is copied, as the other log counts. Changes while the state is locked.
    reached: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Positions in the other log and in the copy, both growing.
    recent: VecDeque<(u64, u64)>,
    waiting: HashMap<u64, oneshot::Sender<u64>>,
}

/// What is known of an event of the other log.
#[derive(Debug)]
pub(super) enum Place {
    At(u64),
    Later(oneshot::Receiver<u64>),
    /// It is in the copy, and nobody remembers where.
    Past,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            reached: watch::Sender::new(0),
        }
    }
}

impl Places {
    /// Begins behind this position.
    pub(super) fn begin(&self, reached: u64) {
        let mut state = self.state();
        state.recent.clear();
        self.reached.send_replace(reached);
    }

    /// The next event of the other log is in the copy.
    pub(super) fn put(&self, position: u64, place: u64) {
        let mut state = self.state();
        state.recent.push_back((position, place));
        if state.recent.len() > REMEMBERED {
            state.recent.pop_front();
        }
        if let Some(waiting) = state.waiting.remove(&position) {
            // Nobody may wait any more.
            let _ = waiting.send(place);
        }
        self.reached.send_replace(position);
    }

    /// Asked once for each event.
    pub(super) fn find(&self, position: u64) -> Place {
        let mut state = self.state();
        if let Ok(at) = state.recent.binary_search_by_key(&position, |&(position, _)| position) {
            return Place::At(state.recent[at].1);
        }
        if position <= *self.reached.borrow() {
            return Place::Past;
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting.insert(position, sender);
        Place::Later(receiver)
    }

    /// Whoever waited has given up.
    pub(super) fn forget(&self, position: u64) {
        self.state().waiting.remove(&position);
    }

    pub(super) fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_before_or_after_hears_of_the_same_place() {
        let places = Places::default();
        let Place::Later(early) = places.find(40) else {
            panic!("it is not copied yet");
        };
        places.put(20, 1);
        places.put(40, 2);
        assert_eq!(early.await, Ok(2));
        assert!(matches!(places.find(40), Place::At(2)));
        assert!(matches!(places.find(30), Place::Past), "there, but not remembered");
        assert_eq!(*places.reached().borrow(), 40);
        places.begin(20);
        assert!(matches!(places.find(40), Place::Later(_)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let places = Places::default();
        for position in 1..=REMEMBERED as u64 + 1 {
            places.put(position, position);
        }
        assert!(matches!(places.find(1), Place::Past));
        assert!(matches!(places.find(2), Place::At(2)));
    }
}
