//! The port's implementation: a queue in front of the sequencer, and reads through the pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hosts::Hosts;
use super::household::keep_house;
use super::loads::{self, Loads};
use super::sequencer::Sequencer;
use super::session::PgDatabase;
use super::snapshots::SnapshotWriter;
use super::standing::{Shared, Standing};
use super::watch::Watch;
use super::witness::{Fork, Witness};
use super::{lead, read};
use crate::hot::{HotAggregates, Wishes};
use crate::leader::{Leader, Node};
use crate::pipeline::{Permit, Request};
use crate::queue::Queue;
use crate::{
    AppendError, Capabilities, Clock, EventLog, Feed, Head, LoadFrom, LogLimits, ReadError, RecordedEvent,
    StoredStream, StreamId, SystemClock,
};

/// Why a log cannot be opened at all. A database that is merely away is waited for instead.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The migrations are missing, or this user may not take the sequencer's role.
    #[error("the database is not prepared for the log")]
    NotPrepared(#[source] sqlx::Error),
    /// A file that cannot be read is no proof that nothing was lost.
    #[error("the witness of the log's end cannot be read")]
    Witness(#[source] std::io::Error),
}

/// What a log is told besides where its database is.
#[derive(Clone, Debug)]
pub struct LogSettings {
    pub limits: LogLimits,
    pub clock: Arc<dyn Clock>,
    /// Who this process is among those that may lead.
    pub node: Node,
    /// Where this process keeps what it saw last of the log.
    pub witness: Option<Witness>,
    /// Whether the database may hold the copy of another log. One that does is not written by a process that takes it for the
    /// log itself.
    pub is_copy: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            limits: LogLimits::default(),
            clock: Arc::new(SystemClock),
            node: Node::unnamed(),
            witness: None,
            is_copy: false,
        }
    }
}

/// The log in PostgreSQL. One process leads and appends; others read, and take over when it goes.
pub struct PostgresLog {
    pool: PgPool,
    repository: PostgresEventRepository,
    queue: Queue,
    shared: Arc<Shared>,
    standing: watch::Receiver<Standing>,
    loads: Loads,
    hot: HotAggregates,
    /// What an earlier process saw last of a copy. It may have been lost since, and be copied again.
    witnessed: Head,
    settles_within: Duration,
}

impl PostgresLog {
    /// Starts the sequencer and returns when it leads, or after `startup_wait`: it goes on trying.
    pub async fn connect(
        options: PgConnectOptions,
        pool: PgPool,
        limits: LogLimits,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Arc<Self>, ConnectError> {
        let settings = LogSettings {
            limits,
            ..LogSettings::default()
        };
        Self::connect_with(options, pool, settings, tracker, cancel).await
    }

    pub async fn connect_with(
        hosts: impl Into<Hosts>,
        pool: PgPool,
        settings: LogSettings,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Arc<Self>, ConnectError> {
        let LogSettings {
            limits,
            clock,
            node,
            witness,
            is_copy,
        } = settings;
        let database = PgDatabase {
            hosts: hosts.into(),
            pool: pool.clone(),
            is_copy,
        };
        lead::check_prepared(&database, &limits).await?;
        let witnessed = witness.as_ref().map_or(Ok(Head::EMPTY), Witness::read);
        let witnessed = witnessed.map_err(ConnectError::Witness)?;
        // A copy is made again first, and compared with it then.
        let (seen, witnessed) = if is_copy {
            (Head::EMPTY, witnessed)
        } else {
            (witnessed, Head::EMPTY)
        };
        let wishes = Arc::new(Wishes::new(&limits));
        let hot = HotAggregates::new(&limits).with_snapshots(Arc::clone(&wishes));
        let (log, requests) = Self::without_sequencer(pool.clone(), &limits, hot, (seen, witnessed));
        let snapshots = SnapshotWriter {
            log: Arc::downgrade(&log),
            pool: pool.clone(),
            wishes,
            bytes_max: limits.snapshot_bytes,
            cancel: cancel.clone(),
        };
        tracker.spawn(snapshots.run());
        tracker.spawn(keep_house(Arc::downgrade(&log), cancel.clone()));
        let startup_wait = limits.startup_wait;
        let shared = Arc::clone(&log.shared);
        let watch = Watch {
            pool,
            shared: Arc::clone(&shared),
            written: if is_copy { witnessed } else { seen },
            witness,
            cancel: cancel.clone(),
        };
        tracker.spawn(watch.run());
        tracker.spawn(Sequencer::new(database, node, limits, clock, requests, shared, cancel).run());
        let mut leader = log.leader();
        // Late or not, the sequencer goes on by itself. Whoever follows need not wait to lead.
        let _ = tokio::time::timeout(startup_wait, leader.wait_for(|leader| *leader != Leader::Nobody)).await;
        Ok(log)
    }

    /// For a process that reads the log and never leads it.
    pub fn for_reading(pool: PgPool, limits: &LogLimits) -> Arc<Self> {
        let (log, _) = Self::without_sequencer(pool, limits, HotAggregates::new(limits), (Head::EMPTY, Head::EMPTY));
        log.shared.set_standing(Standing::Following { url: None });
        log
    }

    fn without_sequencer(
        pool: PgPool,
        limits: &LogLimits,
        hot: HotAggregates,
        (seen, witnessed): (Head, Head),
    ) -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (queue, requests) = Queue::new(limits.queue);
        let shared = Arc::new(Shared::new(limits.lease, seen));
        let log = Self {
            repository: PostgresEventRepository::new(pool.clone()),
            loads: loads::loads(pool.clone()),
            pool,
            queue,
            standing: shared.standing(),
            shared,
            hot,
            witnessed,
            settles_within: lead::settles_within(limits),
        };
        (Arc::new(log), requests)
    }

    pub(crate) const fn witnessed(&self) -> Head {
        self.witnessed
    }

    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Says that what this log is a copy of is another one, or that it is not.
    pub(crate) fn set_fork(&self, fork: Option<Fork>) {
        self.shared.set_fork(fork);
    }

    /// Whether appends are taken at this moment.
    pub fn is_leading(&self) -> bool {
        *self.standing.borrow() == Standing::Leading
    }
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLog")
            .field("standing", &*self.standing.borrow())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            contiguous_positions: true,
            inline_chain: true,
            atomic_batches: false,
        }
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        match &*self.standing.borrow() {
            Standing::Away(reason) => return Err(AppendError::Unavailable(reason.clone())),
            Standing::Following { .. } => {
                return Err(AppendError::Unavailable("another process leads the log".to_owned()));
            }
            Standing::Starting | Standing::Leading => {}
        }
        self.queue.reserve().map(Permit::new)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        read::stream(&self.pool, stream, after_sequence, limit).await
    }

    async fn load(&self, stream: &StreamId, from: LoadFrom) -> Result<StoredStream, ReadError> {
        loads::load(&self.loads, stream, from).await
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        read::all(&self.pool, after_position, limit).await
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        read::at(&self.pool, positions).await
    }

    async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        read::position_at(&self.pool, time).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        read::head(&self.pool).await
    }

    fn settles_within(&self) -> Option<Duration> {
        Some(self.settles_within)
    }

    fn observe(&self, position: u64) {
        self.shared.observe(position);
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.shared.durable()
    }

    fn feed(&self) -> Option<&Feed> {
        Some(self.shared.feed())
    }

    fn leader(&self) -> watch::Receiver<Leader> {
        self.shared.leader()
    }

    fn fork(&self) -> Option<Fork> {
        self.shared.fork()
    }

    fn epoch(&self) -> Option<u64> {
        self.shared.epoch()
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }

    fn event_repository(&self) -> Option<&PostgresEventRepository> {
        Some(&self.repository)
    }
}
