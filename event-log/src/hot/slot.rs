//! One aggregate in memory.

use std::borrow::Cow;
use std::sync::Arc;

use cqrs_es::{Aggregate, DomainEvent as _};
use domain::Storable;
use serde::Serialize;

use super::HotError;
use super::keeper::Record;
use super::load::load;
use crate::pipeline::{Generation, Outcome, Pending, Permit};
use crate::{EventLog, NewEvent, StreamAppend, StreamId};

/// Most events fit, so that their text is not moved while it grows.
const EVENT_BYTES: usize = 512;

/// The speculative state of an aggregate: everything that was decided, durable or not.
#[derive(Debug)]
pub(crate) struct Slot<A> {
    id: Arc<str>,
    pub(super) aggregate: A,
    version: u64,
    /// Position of the last event that was loaded, or 0.
    position: u64,
    epoch: Option<u64>,
    generation: Generation,
    dirty: bool,
    in_flight: Option<Pending>,
    record: Record,
}

impl<A: Aggregate> Slot<A> {
    pub(super) fn empty(id: Arc<str>, record: Record) -> Self {
        Self {
            id,
            aggregate: A::default(),
            version: 0,
            position: 0,
            epoch: None,
            generation: Generation::default(),
            dirty: true,
            in_flight: None,
            record,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn spoil(&mut self) {
        self.dirty = true;
    }

    pub(super) fn is_current(&self, log: &dyn EventLog) -> bool {
        !self.dirty && !self.generation.is_broken() && self.epoch.is_some() && self.epoch == log.epoch()
    }

    /// Numbers the events and puts them into the queue. Never waits.
    pub(super) fn record(
        &mut self,
        permit: Permit,
        events: &[A::Event],
        metadata: Arc<[u8]>,
    ) -> Result<Pending, HotError> {
        let mut new_events = Vec::with_capacity(events.len());
        let mut bytes = 0;
        for event in events {
            let payload = text_of(event)?;
            bytes += payload.len() as u64;
            new_events.push(NewEvent {
                event_type: Cow::Owned(event.event_type()),
                event_version: Cow::Owned(event.event_version()),
                payload,
            });
        }
        let append = StreamAppend {
            stream: self.stream(),
            expected_version: self.version,
            events: new_events,
            metadata,
        };
        self.version += events.len() as u64;
        let pending = permit.enqueue(append, Some(self.generation.clone()));
        self.in_flight = Some(pending.clone());
        self.record.grown(bytes);
        self.ask_if_due();
        Ok(pending)
    }

    fn ask_if_due(&mut self) {
        let id = &self.id;
        self.record.ask_if_due(self.version, || stream::<A>(id));
    }

    /// It leaves memory. Returns the bytes it took, estimated.
    pub(super) fn leave(&mut self) -> u64 {
        if !self.dirty {
            self.record.ask_at_leave(self.version, stream::<A>(&self.id));
        }
        self.record.bytes()
    }

    fn stream(&self) -> StreamId {
        stream::<A>(&self.id)
    }

    /// What the present state rests on.
    pub(super) fn foundation(&self) -> Foundation {
        Foundation {
            position: self.position,
            in_flight: self.in_flight.clone(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn has_in_flight(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|pending| pending.known().is_none())
    }
}

impl<A: Storable + 'static> Slot<A> {
    /// Loads the aggregate unless what is here can be trusted. `true` if it had to.
    pub(super) async fn refresh(&mut self, log: &dyn EventLog) -> Result<bool, HotError> {
        if self.is_current(log) {
            return Ok(false);
        }
        // A future of its own: every command would carry the room that it takes.
        Box::pin(self.reload(log)).await?;
        Ok(true)
    }

    async fn reload(&mut self, log: &dyn EventLog) -> Result<(), HotError> {
        self.dirty = true;
        if let Some(in_flight) = &self.in_flight {
            // Answers come in the order of the queue, so the last one is enough. Whatever it is, it is final.
            let _ = in_flight.clone().await;
        }
        let epoch = log.epoch();
        let loaded = load::<A>(log, &self.stream()).await?;
        self.aggregate = loaded.aggregate;
        self.version = loaded.version;
        self.position = loaded.position;
        self.epoch = epoch;
        self.generation = Generation::in_epoch(epoch);
        self.in_flight = None;
        self.dirty = false;
        self.record.loaded(loaded.snapshot, loaded.bytes);
        self.ask_if_due();
        Ok(())
    }
}

fn stream<A: Aggregate>(id: &Arc<str>) -> StreamId {
    StreamId {
        aggregate_type: A::TYPE,
        aggregate_id: Arc::clone(id),
    }
}

/// The JSON of an event, serialised once: these bytes are hashed and stored.
fn text_of(event: &impl Serialize) -> Result<Vec<u8>, HotError> {
    let mut text = Vec::with_capacity(EVENT_BYTES);
    serde_json::to_writer(&mut text, event).map_err(|error| HotError::Corrupt(error.to_string()))?;
    Ok(text)
}

/// What a look at an aggregate rests on: its last append, durable or still on its way.
#[derive(Clone, Debug)]
pub(crate) struct Foundation {
    position: u64,
    in_flight: Option<Pending>,
}

impl Foundation {
    /// Waits until it is durable: the position of the last event, or why it never will be.
    pub(crate) async fn durable(self) -> Result<u64, crate::AppendError> {
        match self.in_flight {
            None => Ok(self.position),
            Some(pending) => {
                let outcome: Outcome = pending.await;
                outcome.map(|appended| appended.position)
            }
        }
    }
}
