//! What the double remembers: events in the order they came, where each lies, and streams.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::cluster::Cluster;

/// Where the first event lies; before it is what an engine writes for itself.
const BEGIN: u64 = 1024;
/// Of each record, beside the data.
const RECORD_BYTES: u64 = 97;
/// After so many events comes one of the engine's own.
const STATISTICS_EVERY: usize = 5;

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    pub id: Uuid,
    pub stream: String,
    pub revision: u64,
    pub position: u64,
    pub metadata: HashMap<String, String>,
    pub custom_metadata: Vec<u8>,
    pub data: Vec<u8>,
}

/// An event to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) custom_metadata: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// What a stream has to be at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Any,
    Exists,
    NoStream,
    Revision(u64),
}

/// Where an append ended: its last revision and position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) revision: u64,
    pub(crate) position: u64,
}

/// The stream's last revision, if it is not what was expected.
pub(crate) type Wrong = Option<u64>;

/// The memory of one cluster: all of its nodes share it.
#[derive(Debug, Default)]
pub struct Store {
    memory: Mutex<Memory>,
    /// How many events there are.
    count: watch::Sender<usize>,
    cluster: Cluster,
}

#[derive(Debug, Default)]
struct Memory {
    events: Vec<Held>,
    /// Per stream, where its events are among all.
    streams: HashMap<String, Vec<usize>>,
    end: u64,
    since_statistics: usize,
}

impl Store {
    /// Everything, in the order of the log, with the engine's own.
    pub fn all(&self) -> Vec<Held> {
        self.memory().events.clone()
    }

    /// Changes an event as nobody may.
    pub fn tamper(&self, position: u64, change: impl FnOnce(&mut Held)) {
        let mut memory = self.memory();
        if let Some(event) = memory.events.iter_mut().find(|event| event.position == position) {
            change(event);
        }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn append(&self, stream: &str, expected: Expected, events: &[Proposed]) -> Result<Stored, Wrong> {
        let mut memory = self.memory();
        let last = memory.last_revision(stream);
        let fits = match expected {
            Expected::Any => true,
            Expected::Exists => last.is_some(),
            Expected::NoStream => last.is_none(),
            Expected::Revision(revision) => last == Some(revision),
        };
        if let Some(stored) = memory.repeated(stream, expected, events) {
            return Ok(stored);
        }
        if !fits {
            return Err(last);
        }
        for event in events {
            memory.push(stream, event.clone());
        }
        memory.keep_statistics(events.len());
        self.count.send_replace(memory.events.len());
        let stored = memory
            .streams
            .get(stream)
            .and_then(|of| of.last())
            .map(|at| &memory.events[*at]);
        stored
            .map(|event| Stored {
                revision: event.revision,
                position: event.position,
            })
            .ok_or(None)
    }

    /// At most `limit` events of a stream from a revision on; `None` if there is no such stream.
    pub(crate) fn of_stream(&self, stream: &str, revision: u64, limit: usize) -> Option<Vec<Held>> {
        let memory = self.memory();
        let of = memory.streams.get(stream)?;
        let first = usize::try_from(revision).unwrap_or(usize::MAX).min(of.len());
        let events = of[first..].iter().take(limit);
        Some(events.map(|at| memory.events[*at].clone()).collect())
    }

    /// At most `limit` events of all streams from a position on, and with it.
    pub(crate) fn from(&self, position: u64, limit: usize) -> Vec<Held> {
        let memory = self.memory();
        let first = memory.events.partition_point(|event| event.position < position);
        memory.events[first..].iter().take(limit).cloned().collect()
    }

    /// At most `limit` events of all streams before a position, the last first.
    pub(crate) fn back(&self, position: Option<u64>, limit: usize) -> Vec<Held> {
        let memory = self.memory();
        let end = position.map_or(memory.events.len(), |position| {
            memory.events.partition_point(|event| event.position < position)
        });
        memory.events[..end].iter().rev().take(limit).cloned().collect()
    }

    /// At most `limit` events after a position, in the order of the log.
    pub(crate) fn after(&self, position: u64, limit: usize) -> Vec<Held> {
        let memory = self.memory();
        let first = memory.events.partition_point(|event| event.position <= position);
        memory.events[first..].iter().take(limit).cloned().collect()
    }

    /// Whether the log can be read from there: from its start, where an event lies, and where the next one will.
    pub(crate) fn is_boundary(&self, position: u64) -> bool {
        let memory = self.memory();
        let found = memory.events.binary_search_by_key(&position, |event| event.position);
        position == 0 || position == memory.end || found.is_ok()
    }

    /// Changes when events are stored.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is a stream of the engine's own.
pub(crate) fn is_own(stream: &str) -> bool {
    stream.starts_with('$')
}

impl Memory {
    fn last_revision(&self, stream: &str) -> Option<u64> {
        let of = self.streams.get(stream)?;
        (of.len() as u64).checked_sub(1)
    }

    /// The same events after the same revision were stored before: the answer is what it was.
    fn repeated(&self, stream: &str, expected: Expected, events: &[Proposed]) -> Option<Stored> {
        let first = match expected {
            Expected::NoStream => 0,
            Expected::Revision(revision) => usize::try_from(revision).ok()? + 1,
            Expected::Any | Expected::Exists => return None,
        };
        let of = self.streams.get(stream)?;
        let stored: Vec<&Held> = of
            .iter()
            .skip(first)
            .take(events.len())
            .map(|at| &self.events[*at])
            .collect();
        let is_same = stored
            .iter()
            .map(|held| held.id)
            .eq(events.iter().map(|event| event.id));
        let last = stored.last()?;
        is_same.then_some(Stored {
            revision: last.revision,
            position: last.position,
        })
    }

    fn push(&mut self, stream: &str, event: Proposed) {
        let position = self.end.max(BEGIN);
        self.end = position + RECORD_BYTES + event.data.len() as u64 + event.custom_metadata.len() as u64;
        let of = self.streams.entry(stream.to_owned()).or_default();
        of.push(self.events.len());
        self.events.push(Held {
            id: event.id,
            stream: stream.to_owned(),
            revision: of.len() as u64 - 1,
            position,
            metadata: event.metadata,
            custom_metadata: event.custom_metadata,
            data: event.data,
        });
    }

    /// The engine writes to its own log, too.
    fn keep_statistics(&mut self, count: usize) {
        self.since_statistics += count;
        if self.since_statistics >= STATISTICS_EVERY {
            self.since_statistics = 0;
            let statistics = Proposed {
                id: Uuid::new_v4(),
                metadata: HashMap::from([("type".to_owned(), "$statsCollected".to_owned())]),
                custom_metadata: Vec::new(),
                data: b"{}".to_vec(),
            };
            self.push("$stats-127.0.0.1:2113", statistics);
        }
    }
}
