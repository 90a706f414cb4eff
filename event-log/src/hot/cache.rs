//! The aggregates that are kept in memory, bounded.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cqrs_es::Aggregate;

use super::admission::{Admission, Door};
use super::slot::Slot;
use crate::{AppendError, LogLimits};

/// The caches of all kinds of aggregates on one log.
pub struct HotAggregates {
    limit: usize,
    share: usize,
    caches: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl HotAggregates {
    /// Keeps about as many aggregates of each kind as the limits say.
    pub fn new(limits: &LogLimits) -> Self {
        Self {
            limit: limits.hot_aggregates.max(1),
            share: limits.queue_share,
            caches: Mutex::new(HashMap::new()),
        }
    }

    pub(super) fn cache<A: Aggregate + 'static>(&self) -> Arc<Cache<A>> {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches
            .entry(TypeId::of::<A>())
            .or_insert_with(|| Arc::new(Cache::<A>::new(self.limit, self.share)));
        Arc::clone(cache)
            .downcast()
            .unwrap_or_else(|_| Arc::new(Cache::new(self.limit, self.share)))
    }
}

impl fmt::Debug for HotAggregates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotAggregates")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

pub(super) type SharedSlot<A> = Arc<tokio::sync::Mutex<Slot<A>>>;

pub(crate) struct Cache<A> {
    limit: usize,
    share: usize,
    rack: Mutex<Rack<A>>,
    pub(super) cold_loads: AtomicU64,
}

struct Rack<A> {
    entries: HashMap<Arc<str>, Entry<A>>,
    clock: u64,
    /// Evict when there are more than this many.
    sweep_above: usize,
}

struct Entry<A> {
    slot: SharedSlot<A>,
    door: Door,
    used: u64,
}

impl<A: Aggregate> Cache<A> {
    fn new(limit: usize, share: usize) -> Self {
        Self {
            limit,
            share,
            rack: Mutex::new(Rack {
                entries: HashMap::new(),
                clock: 0,
                sweep_above: limit,
            }),
            cold_loads: AtomicU64::new(0),
        }
    }

    /// For a look.
    pub(super) fn find_or_make(&self, id: &str) -> SharedSlot<A> {
        self.find(id).0
    }

    /// For a command, of which one aggregate has no more than its share.
    pub(super) fn admit(&self, id: &str) -> Result<(SharedSlot<A>, Admission), AppendError> {
        let (slot, door) = self.find(id);
        Ok((slot, door.admit(self.share)?))
    }

    fn find(&self, id: &str) -> (SharedSlot<A>, Door) {
        let mut rack = self.rack.lock().unwrap_or_else(PoisonError::into_inner);
        rack.clock += 1;
        let used = rack.clock;
        if let Some(entry) = rack.entries.get_mut(id) {
            entry.used = used;
            return (Arc::clone(&entry.slot), entry.door.clone());
        }
        if rack.entries.len() >= rack.sweep_above {
            rack.sweep(self.limit);
        }
        let id: Arc<str> = Arc::from(id);
        let slot = Arc::new(tokio::sync::Mutex::new(Slot::empty(Arc::clone(&id))));
        let door = Door::default();
        let entry = Entry {
            slot: Arc::clone(&slot),
            door: door.clone(),
            used,
        };
        rack.entries.insert(id, entry);
        (slot, door)
    }

    pub(super) fn len(&self) -> usize {
        self.rack.lock().unwrap_or_else(PoisonError::into_inner).entries.len()
    }

    pub(super) fn count_cold_load(&self) {
        self.cold_loads.fetch_add(1, Ordering::Relaxed);
    }
}

impl<A: Aggregate> Rack<A> {
    /// Drops the idle aggregates that were not used for longest, down to three quarters of the limit: a sweep is paid for
    /// by the insertions that come before the next one.
    fn sweep(&mut self, limit: usize) {
        let excess = self.entries.len().saturating_sub(limit - limit.div_ceil(4));
        let mut idle: Vec<(u64, Arc<str>)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_idle())
            .map(|(id, entry)| (entry.used, Arc::clone(id)))
            .collect();
        idle.sort_unstable();
        for (_, id) in idle.into_iter().take(excess) {
            self.entries.remove(&id);
        }
        self.sweep_above = limit.max(self.entries.len() + limit.div_ceil(4));
    }
}

impl<A: Aggregate> Entry<A> {
    /// Nobody holds it, waits for it, or waits for what it enqueued. No new holder can come while the rack is locked.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.slot) == 1 && self.slot.try_lock().is_ok_and(|slot| !slot.has_in_flight())
    }
}
