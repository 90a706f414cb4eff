//! A log that lies elsewhere, with a copy of it in PostgreSQL.
//!
//! What decides is the other log: an append is recorded there, or it is not. What is read is the copy: positions without
//! holes, the chain, times that never go back, snapshots and everything that is SQL. An append is answered when it is in
//! both. The copy is made of the other log alone and can be made again, with the same hashes.
//!
//! Who leads is settled in PostgreSQL, as it is without another log: one process appends and copies. What keeps the other
//! log right if two believe to be that one is the version which each append expects.

mod copier;
mod epochs;
mod forwarder;
mod kinds;
mod lines;
mod moving;
mod origin;
mod places;
mod reached;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use postgres_es::PostgresEventRepository;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::copier::Copier;
use self::epochs::Epochs;
use self::forwarder::Forwarder;
pub use self::moving::{MoveError, move_log};
pub use self::origin::origin;
use self::places::Places;
use crate::hot::HotAggregates;
use crate::leader::Leader;
use crate::pipeline::Permit;
use crate::postgres::{Fork, replace};
use crate::queue::Queue;
use crate::{
    AppendError, Capabilities, EventLog, Feed, Head, LoadFrom, LogLimits, PostgresLog, ReadError, RecordedEvent,
    StoredStream, StreamId,
};

/// Why a database cannot hold the copy of a log.
#[derive(Debug, Error)]
pub enum CopyError {
    #[error("the database has a log of its own, which is no copy of another one")]
    OwnLog,
    #[error("the copy's database")]
    Database(#[from] sqlx::Error),
    #[error("the copy's log")]
    Log(#[from] ReadError),
}

/// A log with a copy in PostgreSQL.
pub struct CopiedLog {
    source: Arc<dyn EventLog>,
    copy: Arc<PostgresLog>,
    queue: Queue,
    epochs: Arc<Epochs>,
    leader: watch::Receiver<Leader>,
    is_ready: watch::Receiver<bool>,
}

impl CopiedLog {
    /// Starts to copy, and returns when this process leads and everything is copied, or another one leads, or after
    /// `startup_wait`. Nobody else may append to `copy`. `beneath` stops `source` and `copy`: it is cancelled when everything is
    /// answered after `cancel` was. What fails for good cancels both.
    pub async fn start(
        source: Arc<dyn EventLog>,
        copy: Arc<PostgresLog>,
        limits: &LogLimits,
        tracker: &TaskTracker,
        (cancel, beneath): (CancellationToken, CancellationToken),
    ) -> Result<Arc<Self>, CopyError> {
        // Whoever leads says that it is a copy.
        if origin(copy.pool()).await?.is_none() && copy.head().await?.position > 0 {
            return Err(CopyError::OwnLog);
        }
        let (queue, requests) = Queue::new(limits.queue);
        let places = Arc::new(Places::default());
        let epochs = Arc::new(Epochs::default());
        let is_ready = watch::Sender::new(false);
        let leader = watch::Sender::new(Leader::Nobody);
        let log = Arc::new(Self {
            source: Arc::clone(&source),
            copy: Arc::clone(&copy),
            queue,
            epochs: Arc::clone(&epochs),
            leader: leader.subscribe(),
            is_ready: is_ready.subscribe(),
        });
        tracker.spawn(tell_who_leads(
            copy.leader(),
            is_ready.subscribe(),
            leader,
            cancel.clone(),
        ));
        let forwarder = Forwarder {
            source: Arc::clone(&source),
            copy: Arc::clone(&copy),
            places: Arc::clone(&places),
            epochs: Arc::clone(&epochs),
            most: limits.queue,
            patience: limits.outage_wait,
            settled: tokio::sync::Mutex::default(),
        };
        tracker.spawn(forwarder.run(requests, cancel.clone(), beneath.clone()));
        let copier = Copier {
            source,
            copy,
            places,
            epochs,
            is_ready,
            cancel: beneath,
        };
        tracker.spawn(copier.run(cancel));
        let mut leader = log.leader();
        // Late or not, copying goes on by itself.
        let _ = tokio::time::timeout(limits.startup_wait, leader.wait_for(|leader| *leader != Leader::Nobody)).await;
        Ok(log)
    }
}

/// Whoever leads the copy leads the log, once everything is copied that others appended.
async fn tell_who_leads(
    mut copy: watch::Receiver<Leader>,
    mut is_ready: watch::Receiver<bool>,
    leader: watch::Sender<Leader>,
    cancel: CancellationToken,
) {
    loop {
        let now = match copy.borrow_and_update().clone() {
            Leader::Here if !*is_ready.borrow_and_update() => Leader::Nobody,
            other => other,
        };
        replace(&leader, now);
        let changed = async {
            tokio::select! {
                changed = copy.changed() => changed.is_ok(),
                changed = is_ready.changed() => changed.is_ok(),
            }
        };
        if cancel.run_until_cancelled(changed).await != Some(true) {
            return;
        }
    }
}

impl fmt::Debug for CopiedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopiedLog")
            .field("source", &self.source)
            .field("copy", &self.copy)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventLog for CopiedLog {
    fn capabilities(&self) -> Capabilities {
        self.copy.capabilities()
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        if *self.is_ready.borrow() {
            return self.queue.permit();
        }
        Err(AppendError::Unavailable(match &*self.leader.borrow() {
            Leader::Elsewhere { .. } => "another process leads the log".to_owned(),
            Leader::Here | Leader::Nobody => "the log is still being copied".to_owned(),
        }))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.copy.read_stream(stream, after_sequence, limit).await
    }

    async fn load(&self, stream: &StreamId, from: LoadFrom) -> Result<StoredStream, ReadError> {
        self.copy.load(stream, from).await
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.copy.read_all(after_position, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.copy.read_at(positions).await
    }

    async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        self.copy.position_at(time).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.copy.head().await
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.copy.wake()
    }

    fn feed(&self) -> Option<&Feed> {
        self.copy.feed()
    }

    fn leader(&self) -> watch::Receiver<Leader> {
        self.leader.clone()
    }

    fn fork(&self) -> Option<Fork> {
        self.copy.fork()
    }

    fn observe(&self, position: u64) {
        self.copy.observe(position);
    }

    /// Both only grow. What others append to the other log counts when the copy has it.
    fn epoch(&self) -> Option<u64> {
        if !*self.is_ready.borrow() {
            return None;
        }
        Some(self.copy.epoch()? + self.epochs.turns()?)
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        self.copy.hot_aggregates()
    }

    fn event_repository(&self) -> Option<&PostgresEventRepository> {
        self.copy.event_repository()
    }
}
