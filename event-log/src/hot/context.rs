//! An aggregate in the hands of one command.

use std::sync::Arc;

use cqrs_es::{Aggregate, AggregateContext};
use tokio::sync::OwnedMutexGuard;

use super::HotError;
use super::slot::{Foundation, Slot};
use crate::pipeline::{Pending, Permit};

/// Holds the aggregate's lock and a place in the queue. Dropped without being recorded or declared untouched, it leaves
/// a slot that is loaded again: a command may have written events and failed after that.
#[derive(Debug)]
pub struct HotContext<A: Aggregate> {
    slot: OwnedMutexGuard<Slot<A>>,
    permit: Option<Permit>,
    is_settled: bool,
}

impl<A: Aggregate> HotContext<A> {
    pub(super) fn new(slot: OwnedMutexGuard<Slot<A>>, permit: Option<Permit>) -> Self {
        Self {
            slot,
            permit,
            is_settled: false,
        }
    }

    pub fn id(&self) -> &str {
        self.slot.id()
    }

    /// The sequence of the last event, durable or not.
    pub fn version(&self) -> u64 {
        self.slot.version()
    }

    pub(crate) fn look(&self) -> &A {
        &self.slot.aggregate
    }

    /// Gives the aggregate back as it was.
    pub(crate) fn untouched(mut self) -> Foundation {
        self.is_settled = true;
        self.slot.foundation()
    }

    /// Gives the aggregate back changed by what could not be recorded.
    pub(crate) fn spoiled(self) -> Foundation {
        self.slot.foundation()
    }

    /// Numbers the events and enqueues them under the lock, then lets the next command decide.
    pub(crate) fn record(mut self, events: &[A::Event], metadata: Arc<[u8]>) -> Result<Pending, HotError> {
        let Some(permit) = self.permit.take() else {
            return Err(HotError::Corrupt(
                "an aggregate that was only read cannot record".to_owned(),
            ));
        };
        let pending = self.slot.record(permit, events, metadata)?;
        self.is_settled = true;
        Ok(pending)
    }
}

impl<A: Aggregate> Drop for HotContext<A> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.slot.spoil();
        }
    }
}

impl<A: Aggregate> AggregateContext<A> for HotContext<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.slot.aggregate
    }
}
