//! Pauses that differ, so that those who collided do not collide again; and pauses that grow.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Between half of `pause` and all of it.
pub(crate) fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let half = pause / 2;
    let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
    half + Duration::from_nanos(random.checked_rem(spread).unwrap_or(0))
}

/// Pauses that double from `first` up to `longest`.
#[derive(Clone, Debug)]
pub(crate) struct BackOff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl BackOff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.longest);
        jitter(pause)
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}
