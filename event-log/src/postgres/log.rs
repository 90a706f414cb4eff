//! The port's implementation: a queue in front of the sequencer, and reads through the pool.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sequencer::Sequencer;
use super::standing::{Shared, Standing};
use super::{lead, read};
use crate::hot::HotAggregates;
use crate::pipeline::Permit;
use crate::queue::Queue;
use crate::{
    AppendError, Capabilities, Clock, EventLog, Feed, Head, LogLimits, ReadError, RecordedEvent, StreamId, SystemClock,
};

/// Why a log cannot be opened at all. A database that is merely away is waited for instead.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The migrations are missing, or this user may not take the sequencer's role.
    #[error("the database is not prepared for the log")]
    NotPrepared(#[source] sqlx::Error),
}

/// The log in PostgreSQL. One process leads and appends; others read, and take over when it goes.
pub struct PostgresLog {
    pool: PgPool,
    repository: PostgresEventRepository,
    queue: Queue,
    shared: Arc<Shared>,
    standing: watch::Receiver<Standing>,
    hot: HotAggregates,
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
        Self::connect_with_clock(options, pool, limits, tracker, cancel, Arc::new(SystemClock)).await
    }

    pub async fn connect_with_clock(
        options: PgConnectOptions,
        pool: PgPool,
        limits: LogLimits,
        tracker: &TaskTracker,
        cancel: CancellationToken,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, ConnectError> {
        lead::check_prepared(&options, &limits).await?;
        let (queue, requests) = Queue::new(limits.queue, limits.reserve_wait);
        let shared = Arc::new(Shared::new());
        let log = Arc::new(Self {
            repository: PostgresEventRepository::new(pool.clone()),
            pool,
            queue,
            standing: shared.standing(),
            shared: Arc::clone(&shared),
            hot: HotAggregates::new(limits.hot_aggregates),
        });
        let startup_wait = limits.startup_wait;
        tracker.spawn(Sequencer::new(options, limits, clock, requests, shared, cancel).run());
        let mut standing = log.standing.clone();
        // Late or not, the sequencer goes on by itself.
        let _ = tokio::time::timeout(startup_wait, standing.wait_for(|now| *now == Standing::Leading)).await;
        Ok(log)
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

    async fn reserve(&self) -> Result<Permit, AppendError> {
        if let Standing::Away(reason) = &*self.standing.borrow() {
            return Err(AppendError::Unavailable(reason.clone()));
        }
        self.queue.permit().await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        read::stream(&self.pool, stream, after_sequence, limit).await
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        read::all(&self.pool, after_position, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        read::head(&self.pool).await
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.shared.durable()
    }

    fn feed(&self) -> Option<&Feed> {
        Some(self.shared.feed())
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
