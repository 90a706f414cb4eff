//! What the adapter asks of a client of the engine: few calls, each answered once, each bounded by the caller.

use async_trait::async_trait;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// What a subscription has brought and nobody has taken yet: beyond it, the engine waits.
const SIGNALS_WAITING: usize = 256;

/// What a stream must be at for an append to be recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    NoStream,
    /// The number of its last event; the first is 0.
    Revision(u64),
}

impl Expected {
    /// Sequences count from 1, revisions from 0.
    pub fn after_sequence(sequence: u64) -> Self {
        sequence.checked_sub(1).map_or(Self::NoStream, Self::Revision)
    }
}

/// An event on its way to the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The engine records an id once: sent again after the same revision, it answers as it did before.
    pub id: Uuid,
    pub event_type: String,
    pub data: Vec<u8>,
    pub metadata: Vec<u8>,
}

/// An event as the engine holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    pub id: Uuid,
    pub stream: String,
    pub revision: u64,
    pub position: u64,
    pub event_type: String,
    pub data: Vec<u8>,
    pub metadata: Vec<u8>,
}

/// What an append became.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    pub last_revision: u64,
    /// Of the last event, if the engine said it.
    pub position: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ClientError {
    /// The stream is at another revision; `None` if there is no such stream.
    #[error("the stream is at revision {current:?}")]
    WrongRevision { current: Option<u64> },
    /// The engine refuses this, and will refuse it again.
    #[error("the engine refuses: {0}")]
    Refused(String),
    /// A read of the log began where no event lies.
    #[error("nothing lies at this position")]
    NoSuchPosition,
    /// Whether the call did anything is not known: it may be made again.
    #[error("the engine did not answer: {0}")]
    InDoubt(String),
}

/// What a subscription brings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signal {
    Event(Found),
    /// Nothing but the engine's own lies before here.
    Passed(u64),
}

/// The events of the log as they come. Dropped, it ends.
#[derive(Debug)]
pub struct Subscription {
    signals: mpsc::Receiver<Result<Signal, ClientError>>,
    _bringing: AbortOnDropHandle<()>,
}

impl Subscription {
    /// `bringing` is a task that brings the signals.
    pub fn new(bringing: impl FnOnce(mpsc::Sender<Result<Signal, ClientError>>) -> AbortOnDropHandle<()>) -> Self {
        let (sender, signals) = mpsc::channel(SIGNALS_WAITING);
        Self {
            signals,
            _bringing: bringing(sender),
        }
    }

    /// `None` once it has ended: with an error before, or without. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> Option<Result<Signal, ClientError>> {
        self.signals.recv().await
    }
}

/// A client of the engine. A call may be dropped at any point, and be made again.
#[async_trait]
pub trait Client: Send + Sync + 'static {
    /// Appends all of the events or none.
    async fn append(&self, stream: &str, expected: Expected, events: Vec<Outgoing>) -> Result<Written, ClientError>;

    /// Events of a stream from `revision` on, at most `limit`; none if there is no such stream.
    async fn read_stream(&self, stream: &str, revision: u64, limit: usize) -> Result<Vec<Found>, ClientError>;

    /// Events of all streams, the engine's own among them, from `position` on and including it, at most `limit`. 0 is before
    /// all of them; any other position is one of an event.
    async fn read_all(&self, position: u64, limit: usize) -> Result<Vec<Found>, ClientError>;

    /// The last events of all streams before `position`, or of the whole log, newest first, at most `limit`.
    async fn read_back(&self, position: Option<u64>, limit: usize) -> Result<Vec<Found>, ClientError>;

    /// Events of all streams but the engine's own after `position`, which is 0 or that of an event, until the engine ends it.
    /// It may be silent for as long as it likes, and for ever.
    async fn subscribe(&self, position: u64) -> Result<Subscription, ClientError>;
}
