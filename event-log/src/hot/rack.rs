//! Where the aggregates of one kind stand, and which of them have to leave.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::Aggregate;

use super::admission::Door;
use super::cache::SharedSlot;
use super::keeper::Keeper;
use super::slot::Slot;

pub(super) struct Rack<A> {
    limit: usize,
    bytes_limit: u64,
    entries: HashMap<Arc<str>, Entry<A>>,
    /// Counts the uses.
    clock: u64,
    /// Where the clock was when the idle last had to leave.
    mark: u64,
    /// Sweep when there are more than this many, or they take more bytes.
    sweep_above: usize,
    bytes_above: u64,
}

struct Entry<A> {
    slot: SharedSlot<A>,
    door: Door,
    used: u64,
}

/// What left: dropped by whoever has given the lock back.
pub(super) type Left<A> = Vec<SharedSlot<A>>;

impl<A: Aggregate> Rack<A> {
    pub(super) fn new(limit: usize, bytes_limit: u64) -> Self {
        Self {
            limit,
            bytes_limit,
            entries: HashMap::new(),
            clock: 0,
            mark: 0,
            sweep_above: limit,
            bytes_above: bytes_limit,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find_or_make(&mut self, id: &str, keeper: &Keeper) -> (SharedSlot<A>, Door) {
        self.clock += 1;
        let used = self.clock;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.used = used;
            return (Arc::clone(&entry.slot), entry.door.clone());
        }
        let id: Arc<str> = Arc::from(id);
        let slot = Slot::empty(Arc::clone(&id), keeper.register());
        let entry = Entry {
            slot: Arc::new(tokio::sync::Mutex::new(slot)),
            door: Door::default(),
            used,
        };
        let found = (Arc::clone(&entry.slot), entry.door.clone());
        self.entries.insert(id, entry);
        found
    }

    /// Before `wanted` is looked for, while all of them take `bytes`.
    pub(super) fn make_room(&mut self, bytes: u64, wanted: &str) -> Left<A> {
        let is_full = self.entries.len() >= self.sweep_above && !self.entries.contains_key(wanted);
        if is_full || bytes > self.bytes_above {
            self.sweep(bytes, wanted)
        } else {
            Left::new()
        }
    }

    /// Drops the idle aggregates that were not used for longest, down to three quarters of the limits: a sweep is paid for
    /// by what comes before the next one.
    fn sweep(&mut self, mut bytes: u64, wanted: &str) -> Left<A> {
        let count_kept = self.limit - self.limit.div_ceil(4);
        let bytes_kept = self.bytes_limit - self.bytes_limit.div_ceil(4);
        let mut idle: Vec<(u64, Arc<str>)> = self
            .entries
            .iter()
            .filter(|(id, entry)| ***id != *wanted && entry.is_idle())
            .map(|(id, entry)| (entry.used, Arc::clone(id)))
            .collect();
        idle.sort_unstable();
        let mut left = Left::new();
        for (_, id) in idle {
            if self.entries.len() <= count_kept && bytes <= bytes_kept {
                break;
            }
            if let Some((slot, freed)) = self.remove(&id) {
                bytes = bytes.saturating_sub(freed);
                left.push(slot);
            }
        }
        self.sweep_above = self.limit.max(self.entries.len() + self.limit.div_ceil(4));
        self.bytes_above = self.bytes_limit.max(bytes + self.bytes_limit.div_ceil(4));
        left
    }

    /// Drops what was not used since this was last called.
    pub(super) fn retire(&mut self) -> Left<A> {
        let mark = std::mem::replace(&mut self.mark, self.clock);
        let unused: Vec<Arc<str>> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.used <= mark && entry.is_idle())
            .map(|(id, _)| Arc::clone(id))
            .collect();
        unused
            .iter()
            .filter_map(|id| self.remove(id))
            .map(|(slot, _)| slot)
            .collect()
    }

    /// Returns the bytes it took, too.
    fn remove(&mut self, id: &Arc<str>) -> Option<(SharedSlot<A>, u64)> {
        let entry = self.entries.remove(id)?;
        let freed = entry.slot.try_lock().map_or(0, |mut slot| slot.leave());
        Some((entry.slot, freed))
    }
}

impl<A: Aggregate> Entry<A> {
    /// Nobody holds it, waits for it, or waits for what it enqueued. No new holder can come while the rack is locked.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.slot) == 1 && self.slot.try_lock().is_ok_and(|slot| !slot.has_in_flight())
    }
}
