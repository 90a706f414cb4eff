//! A limited number of requests at the same time, and a limit that follows how long they take.
//!
//! A request beyond the limit would only make all of them late, so it is turned away at once. How many are too many
//! depends on the disk and on the hour, and is found out: when a request took too long the limit shrinks by a quarter,
//! and each sixteenth that did not, while the door was busy, widens it by one. So about as many are inside as leave in the
//! time that is too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};

/// Room for the quarter and the one to be felt; and a limit that no slow disk can take away.
const LIMIT_MIN: usize = 64;
/// Where a limit that follows begins: a rush may begin with the server's first moment.
const LIMIT_FIRST: usize = 512;
/// So many have to be quick for the limit to grow by one.
const QUICK_PER_STEP: usize = 16;
/// A door is busy if at least this part of its places is taken: one room alone never takes more than half of them.
const BUSY_PART: usize = 4;

#[derive(Debug)]
pub(super) struct Door {
    most: usize,
    /// A request that takes longer says that there are too many. `None`: how long they take says nothing.
    slow_after: Option<Duration>,
    limit: AtomicUsize,
    inside: AtomicUsize,
    /// Requests that were quick while the door was busy.
    quick: AtomicUsize,
    opened_at: Instant,
    /// When the limit shrank last, in milliseconds since `opened_at`.
    shrank_at: AtomicU64,
    occupancy: Gauge,
    turned_away: Counter,
}

/// A place inside. Leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Place {
    door: Arc<Door>,
    entered_at: Instant,
}

impl Door {
    pub(super) fn new(name: &'static str, most: usize, slow_after: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            most,
            slow_after,
            limit: AtomicUsize::new(if slow_after.is_some() {
                most.min(LIMIT_FIRST)
            } else {
                most
            }),
            inside: AtomicUsize::new(0),
            quick: AtomicUsize::new(0),
            opened_at: Instant::now(),
            shrank_at: AtomicU64::new(0),
            occupancy: gauge!("http_requests_in_flight", "door" => name),
            turned_away: counter!("http_requests_shed_total", "door" => name),
        })
    }

    pub(super) fn enter(self: &Arc<Self>, now: Instant) -> Option<Place> {
        let limit = self.limit();
        let inside = self.inside.fetch_add(1, Ordering::Relaxed);
        if inside >= limit {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            self.turned_away.increment(1);
            return None;
        }
        self.occupancy.increment(1);
        Some(Place {
            door: Arc::clone(self),
            entered_at: now,
        })
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    fn leave(&self, entered_at: Instant, now: Instant) {
        let inside = self.inside.fetch_sub(1, Ordering::Relaxed);
        self.occupancy.decrement(1);
        let Some(slow_after) = self.slow_after else { return };
        let limit = self.limit();
        if now.saturating_duration_since(entered_at) > slow_after {
            self.shrink(limit, slow_after, now);
        } else if limit < self.most
            && inside * BUSY_PART >= limit
            && self
                .quick
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(QUICK_PER_STEP)
        {
            // Of two who change it at once one may be lost, which is as good.
            self.limit.store(limit + 1, Ordering::Relaxed);
        }
    }

    /// Once for all requests that were slow together.
    fn shrink(&self, limit: usize, pause: Duration, now: Instant) {
        let since = |moment: Duration| u64::try_from(moment.as_millis()).unwrap_or(u64::MAX);
        let now = since(now.saturating_duration_since(self.opened_at));
        let last = self.shrank_at.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) > since(pause);
        let is_mine = || {
            self.shrank_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if is_due && is_mine() {
            let shrunk = (limit - limit / 4).max(LIMIT_MIN.min(self.most));
            self.limit.store(shrunk, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn leave_at(place: Place, now: Instant) {
        place.door.leave(place.entered_at, now);
        std::mem::forget(place);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.leave(self.entered_at, Instant::now());
    }
}
