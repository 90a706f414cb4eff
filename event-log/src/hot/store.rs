//! `cqrs_es::EventStore` on hot aggregates: what our executor uses, and what an unmodified `CqrsFramework` can use.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cqrs_es::{Aggregate, AggregateError, EventEnvelope, EventStore};
use domain::Storable;

use super::cache::{Cache, SharedSlot};
use super::envelopes::envelopes;
use super::{HotContext, HotError};
use crate::pipeline::Permit;
use crate::{AppendError, EventLog, ReadError};

/// The hot aggregates of one kind. Cheap to clone; every store on the same log shares the same aggregates.
pub struct HotStore<A: Aggregate> {
    log: Arc<dyn EventLog>,
    cache: Arc<Cache<A>>,
}

impl<A: Aggregate> Clone for HotStore<A> {
    fn clone(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            cache: Arc::clone(&self.cache),
        }
    }
}

impl<A: Aggregate> fmt::Debug for HotStore<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotStore")
            .field("aggregate_type", &A::TYPE)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl<A: Storable + 'static> HotStore<A> {
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        let cache = log.hot_aggregates().cache();
        Self { log, cache }
    }

    /// How often an aggregate was loaded from the log since the start.
    pub fn cold_loads(&self) -> u64 {
        self.cache.cold_loads.load(Ordering::Relaxed)
    }

    /// How many aggregates are in memory.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// How many bytes they take, estimated by the JSON they were made of.
    pub fn bytes(&self) -> u64 {
        self.cache.bytes()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For a command: the aggregate's share and a place in the queue first, then its lock.
    pub(crate) async fn check_out(&self, id: &str) -> Result<HotContext<A>, HotError> {
        let (slot, admission) = self.cache.admit(id)?;
        let permit = self.log.reserve()?.with_admission(admission);
        self.enter(slot, Some(permit)).await
    }

    /// For a look: needs no place in the queue.
    pub(crate) async fn visit(&self, id: &str) -> Result<HotContext<A>, HotError> {
        self.enter(self.cache.find_or_make(id), None).await
    }

    async fn enter(&self, slot: SharedSlot<A>, permit: Option<Permit>) -> Result<HotContext<A>, HotError> {
        let mut slot = slot.lock_owned().await;
        if slot.refresh(self.log.as_ref()).await? {
            self.cache.count_cold_load();
        }
        Ok(HotContext::new(slot, permit))
    }
}

impl<A: Storable + 'static> EventStore<A> for HotStore<A> {
    type AC = HotContext<A>;

    async fn load_events(&self, aggregate_id: &str) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        envelopes(self.log.as_ref(), aggregate_id)
            .await
            .map_err(aggregate_error)
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<HotContext<A>, AggregateError<A::Error>> {
        self.check_out(aggregate_id).await.map_err(aggregate_error)
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: HotContext<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            let durable = context.untouched().durable().await;
            return durable
                .map(|_| Vec::new())
                .map_err(|error| aggregate_error(error.into()));
        }
        let aggregate_id = context.id().to_owned();
        let first = context.version() + 1;
        let stored: Arc<[u8]> = serde_json::to_vec(&metadata)?.into();
        let pending = context.record(&events, stored).map_err(aggregate_error)?;
        pending.await.map_err(|error| aggregate_error(error.into()))?;
        let sequences = usize::try_from(first).unwrap_or(usize::MAX)..;
        Ok(events
            .into_iter()
            .zip(sequences)
            .map(|(payload, sequence)| EventEnvelope {
                aggregate_id: aggregate_id.clone(),
                sequence,
                payload,
                metadata: metadata.clone(),
            })
            .collect())
    }
}

fn aggregate_error<E: std::error::Error>(error: HotError) -> AggregateError<E> {
    match error {
        HotError::Append(AppendError::Conflict { .. } | AppendError::Cascade { .. }) => {
            AggregateError::AggregateConflict
        }
        HotError::Append(AppendError::Unavailable(_) | AppendError::Overloaded)
        | HotError::Read(ReadError::Unavailable(_)) => AggregateError::DatabaseConnectionError(Box::new(error)),
        HotError::Append(AppendError::Rejected(_))
        | HotError::Read(ReadError::Corrupt { .. })
        | HotError::Corrupt(_) => AggregateError::UnexpectedError(Box::new(error)),
    }
}
