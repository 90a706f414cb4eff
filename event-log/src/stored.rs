//! What a log gives whoever loads a stream.

use crate::{ReadError, RecordedEvent, Snapshot};

/// Events of a stream that are read at once.
pub const STREAM_PAGE: usize = 1000;

/// Where to load from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadFrom {
    /// The snapshot, if there is one in this format that fits the log, else the start.
    Snapshot { format: u32 },
    /// After the event with this sequence.
    Sequence(u64),
}

impl LoadFrom {
    pub(crate) const START: Self = Self::Sequence(0);
}

/// A stream, or a page of it.
#[derive(Clone, Default, Debug)]
pub struct StoredStream {
    pub snapshot: Option<SealedSnapshot>,
    /// In order, after the snapshot or what was asked for; at most a page.
    pub events: Vec<StreamEvent>,
}

/// A snapshot that fits the log, as it is stored. Whether it is whole, its seal tells.
#[derive(Clone, Debug)]
pub struct SealedSnapshot {
    pub snapshot: Snapshot,
    pub seal: [u8; 32],
}

/// What folding needs of an event.
#[derive(Clone, Debug)]
pub struct StreamEvent {
    pub position: u64,
    pub sequence: u64,
    pub event_type: String,
    pub event_version: String,
    /// The exact stored text.
    pub payload: Vec<u8>,
    pub hash: [u8; 32],
}

impl From<RecordedEvent> for StreamEvent {
    fn from(event: RecordedEvent) -> Self {
        Self {
            position: event.position,
            sequence: event.sequence,
            event_type: event.event_type,
            event_version: event.event_version,
            payload: event.payload.into_bytes(),
            hash: event.hash,
        }
    }
}

/// The answer of a log that keeps no snapshots.
pub(crate) fn without_snapshot(events: Result<Vec<RecordedEvent>, ReadError>) -> Result<StoredStream, ReadError> {
    Ok(StoredStream {
        snapshot: None,
        events: events?.into_iter().map(StreamEvent::from).collect(),
    })
}
