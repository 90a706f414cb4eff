//! The port: what an append-only log promises, whatever engine carries it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cqrs_es::persist::SerializedEvent;
use domain::Timestamp;
use postgres_es::PostgresEventRepository;
use thiserror::Error;
use tokio::sync::watch;

use crate::feed::Feed;
use crate::hot::HotAggregates;
use crate::leader::{self, Leader};
use crate::pipeline::{Outcome, Permit};
use crate::postgres::Fork;
use crate::stored::{self, LoadFrom, STREAM_PAGE, StoredStream};

/// One stream: the events of one aggregate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StreamId {
    pub aggregate_type: &'static str,
    pub aggregate_id: Arc<str>,
}

impl StreamId {
    /// PostgreSQL has no text with a NUL in it, so no log takes one.
    pub fn is_storable(&self) -> bool {
        !self.aggregate_type.contains('\0') && !self.aggregate_id.contains('\0')
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.aggregate_type, self.aggregate_id)
    }
}

/// An event on its way into the log. `payload` is JSON, serialised once: these bytes are hashed and stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    pub event_type: Cow<'static, str>,
    pub event_version: Cow<'static, str>,
    pub payload: Vec<u8>,
}

/// What one command adds to one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamAppend {
    pub stream: StreamId,
    /// The sequence of the last event the decision rests on; 0 for a new stream.
    pub expected_version: u64,
    pub events: Vec<NewEvent>,
    /// JSON, shared by the events of the command.
    pub metadata: Arc<[u8]>,
}

/// Where an append ended up: its last event's sequence in the stream and position in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    pub last_sequence: u64,
    pub position: u64,
}

/// An event as the log holds it. `payload` and `metadata` are the exact stored text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedEvent {
    pub position: u64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: u64,
    pub event_type: String,
    pub event_version: String,
    pub payload: String,
    pub metadata: String,
    pub recorded_at: Timestamp,
    pub hash: [u8; 32],
}

impl RecordedEvent {
    /// As cqrs-es knows it.
    pub fn to_serialized(&self) -> Result<SerializedEvent, serde_json::Error> {
        Ok(SerializedEvent {
            aggregate_id: self.aggregate_id.clone(),
            sequence: usize::try_from(self.sequence).unwrap_or(usize::MAX),
            aggregate_type: self.aggregate_type.clone(),
            event_type: self.event_type.clone(),
            event_version: self.event_version.clone(),
            payload: serde_json::from_str(&self.payload)?,
            metadata: serde_json::from_str(&self.metadata)?,
        })
    }
}

/// The end of the log. Position 0 and a zero hash before the first event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub position: u64,
    pub hash: [u8; 32],
}

impl Head {
    pub const EMPTY: Self = Self {
        position: 0,
        hash: [0; 32],
    };
}

/// What an engine can promise beyond the port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Positions are 1, 2, 3, …: a hole is an alarm.
    pub contiguous_positions: bool,
    /// The hash chain is written with the events.
    pub inline_chain: bool,
    /// Appends of one batch become durable together.
    pub atomic_batches: bool,
}

#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// The stream is not at the expected version: decide again.
    #[error("stream {stream} is at {actual}, not at {expected}")]
    Conflict {
        stream: StreamId,
        expected: u64,
        actual: u64,
    },
    /// The bounded queue is full.
    #[error("the log's queue is full")]
    Overloaded,
    /// The log cannot be reached, or another process leads it. Nothing is known to be recorded.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// An earlier append that this one rests on failed, so this one was not tried.
    #[error("an earlier append of stream {stream} failed")]
    Cascade { stream: StreamId },
    /// The engine refuses these very events.
    #[error("the log refuses the events: {0}")]
    Rejected(String),
}

#[derive(Debug, Error)]
pub enum ReadError {
    #[error("the log is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("event at position {position} is corrupt: {reason}")]
    Corrupt { position: u64, reason: String },
}

/// An append-only log of events.
#[async_trait]
pub trait EventLog: Send + Sync + fmt::Debug + 'static {
    fn capabilities(&self) -> Capabilities;

    /// A place in the log's bounded queue: at once, or `Overloaded`, or `Unavailable` while the log is away. What is
    /// enqueued through permits is judged in the order it was enqueued.
    fn reserve(&self) -> Result<Permit, AppendError>;

    /// Appends and waits until it is durable. Each element is judged alone; results are in the order of the batch.
    async fn append(&self, batch: Vec<StreamAppend>) -> Vec<Outcome> {
        let mut pending = Vec::with_capacity(batch.len());
        for append in batch {
            pending.push(self.reserve().map(|permit| permit.enqueue(append, None)));
        }
        let mut outcomes = Vec::with_capacity(pending.len());
        for answer in pending {
            outcomes.push(match answer {
                Ok(pending) => pending.await,
                Err(refused) => Err(refused),
            });
        }
        outcomes
    }

    /// The events of a stream after `sequence`, in order, at most `limit`.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// What it takes to know a stream: a snapshot that fits the log, where there is one, and the events after it. If these
    /// are a whole page, there may be more.
    async fn load(&self, stream: &StreamId, from: LoadFrom) -> Result<StoredStream, ReadError> {
        let after = match from {
            LoadFrom::Snapshot { .. } => 0,
            LoadFrom::Sequence(sequence) => sequence,
        };
        stored::without_snapshot(self.read_stream(stream, after, STREAM_PAGE).await)
    }

    /// The events of the log after `position`, in order, at most `limit`.
    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError>;

    /// The events at these positions, in the order of the log; what the log has not is left out.
    async fn read_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut wanted = positions.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut events = Vec::with_capacity(wanted.len());
        for position in wanted {
            let found = self.read_all(position.saturating_sub(1), 1).await?;
            events.extend(found.into_iter().filter(|event| event.position == position));
        }
        Ok(events)
    }

    /// The last position recorded at or before a time; 0 if that is before the first event. Times on the log never go
    /// back, so everything up to there was recorded by then, and nothing after it.
    async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, self.head().await?.position);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let found = self.read_all(middle - 1, 1).await?;
            if found.first().is_some_and(|event| event.recorded_at <= time) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    async fn head(&self) -> Result<Head, ReadError>;

    /// So long after a moment, no event of that moment is still on its way: everything recorded by then can be read. `None`
    /// if that may take any time; then only a later event tells.
    fn settles_within(&self) -> Option<Duration> {
        None
    }

    /// Wakes when something was appended. Carries the last position known to be durable; may lag, never leads.
    fn wake(&self) -> watch::Receiver<u64>;

    /// The tail of the log in memory, where the log keeps one.
    fn feed(&self) -> Option<&Feed> {
        None
    }

    /// Where appends have to go. Of a log that has no rival: here.
    fn leader(&self) -> watch::Receiver<Leader> {
        leader::always_here()
    }

    /// What was lost of the log, if something was: then this process does not lead it.
    fn fork(&self) -> Option<Fork> {
        None
    }

    /// Says that the event at `position` is in the log, to a process that may not have heard of it: what it keeps in memory
    /// is then older than that event, and is loaded again before anybody relies on it.
    fn observe(&self, position: u64) {
        let _ = position;
    }

    /// Changes whenever somebody else may have appended. `None` while this process is not sure that it alone writes the
    /// log: then nothing kept in memory can be trusted.
    fn epoch(&self) -> Option<u64>;

    /// The aggregates kept in memory on top of this log: one cache, however many executors there are.
    fn hot_aggregates(&self) -> &HotAggregates;

    /// The repository that reads whole streams of this log, where the engine has one.
    fn event_repository(&self) -> Option<&PostgresEventRepository> {
        None
    }
}
