//! The aggregates that are kept in memory, bounded in number and in bytes.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cqrs_es::Aggregate;
use domain::Storable;
use tokio::time::Instant;

use super::admission::{Admission, Door};
use super::keeper::Keeper;
use super::rack::Rack;
use super::slot::Slot;
use super::wishes::Wishes;
use crate::{AppendError, LogLimits};

/// The caches of all kinds of aggregates on one log.
pub struct HotAggregates {
    limits: LogLimits,
    wishes: Option<Arc<Wishes>>,
    kinds: Mutex<HashMap<TypeId, Kind>>,
    marked_at: Mutex<Instant>,
}

/// One cache, for those who know its type and for those who do not.
struct Kind {
    typed: Arc<dyn Any + Send + Sync>,
    house: Arc<dyn House>,
}

/// What can be done with a cache of any type.
trait House: Send + Sync {
    /// Says how much is in it.
    fn report(&self);

    /// Drops what nobody used since this was last called.
    fn retire(&self);
}

impl HotAggregates {
    /// Keeps about as many aggregates of each kind as the limits say.
    pub fn new(limits: &LogLimits) -> Self {
        Self {
            limits: limits.clone(),
            wishes: None,
            kinds: Mutex::new(HashMap::new()),
            marked_at: Mutex::new(Instant::now()),
        }
    }

    /// Says there which streams should get a snapshot.
    pub(crate) fn with_snapshots(self, wishes: Arc<Wishes>) -> Self {
        Self {
            wishes: Some(wishes),
            ..self
        }
    }

    pub(super) fn cache<A: Storable + 'static>(&self) -> Arc<Cache<A>> {
        let make = || Arc::new(Cache::<A>::new(&self.limits, self.wishes.clone()));
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kinds.entry(TypeId::of::<A>()).or_insert_with(|| {
            let cache = make();
            Kind {
                typed: Arc::clone(&cache) as _,
                house: cache,
            }
        });
        Arc::clone(&kind.typed).downcast().unwrap_or_else(|_| make())
    }

    /// Reports what is in memory, and lets go of what was idle for long. To be called now and then.
    pub(crate) fn keep_house(&self) {
        let is_over = self.is_mark_over(self.limits.hot_idle);
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let houses: Vec<Arc<dyn House>> = kinds.values().map(|kind| Arc::clone(&kind.house)).collect();
        drop(kinds);
        for house in houses {
            if is_over {
                house.retire();
            }
            house.report();
        }
    }

    fn is_mark_over(&self, idle: Duration) -> bool {
        let mut marked_at = self.marked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = marked_at.elapsed() >= idle;
        if is_over {
            *marked_at = Instant::now();
        }
        is_over
    }
}

impl fmt::Debug for HotAggregates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotAggregates")
            .field("limit", &self.limits.hot_aggregates)
            .finish_non_exhaustive()
    }
}

pub(super) type SharedSlot<A> = Arc<tokio::sync::Mutex<Slot<A>>>;

pub(crate) struct Cache<A> {
    share: usize,
    keeper: Keeper,
    rack: Mutex<Rack<A>>,
    pub(super) cold_loads: AtomicU64,
}

impl<A: Storable + 'static> Cache<A> {
    fn new(limits: &LogLimits, wishes: Option<Arc<Wishes>>) -> Self {
        Self {
            share: limits.queue_share,
            keeper: Keeper::new::<A>(limits, wishes),
            rack: Mutex::new(Rack::new(limits.hot_aggregates.max(1), limits.hot_bytes.max(1))),
            cold_loads: AtomicU64::new(0),
        }
    }
}

impl<A: Aggregate> Cache<A> {
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
        let (found, left) = {
            let mut rack = self.rack();
            let left = rack.make_room(self.keeper.bytes(), id);
            (rack.find_or_make(id, &self.keeper), left)
        };
        // Large states are taken apart when nobody waits for the lock.
        Self::count_evictions(left.len(), "room");
        found
    }

    pub(super) fn len(&self) -> usize {
        self.rack().len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.keeper.bytes()
    }

    pub(super) fn count_cold_load(&self) {
        self.cold_loads.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("boxoffice_cold_loads_total", "kind" => A::TYPE).increment(1);
    }

    fn count_evictions(count: usize, reason: &'static str) {
        if count > 0 {
            metrics::counter!("boxoffice_hot_evictions_total", "kind" => A::TYPE, "reason" => reason)
                .increment(count as u64);
        }
    }

    fn rack(&self) -> MutexGuard<'_, Rack<A>> {
        self.rack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> House for Cache<A> {
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    fn report(&self) {
        metrics::gauge!("boxoffice_hot_aggregates", "kind" => A::TYPE).set(self.len() as f64);
        metrics::gauge!("boxoffice_hot_bytes", "kind" => A::TYPE).set(self.bytes() as f64);
    }

    fn retire(&self) {
        let left = self.rack().retire();
        Self::count_evictions(left.len(), "idle");
    }
}
