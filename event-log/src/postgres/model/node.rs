//! One process: the real queue, sequencer and executor, on a line to the table.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Timestamp;
use shuttle::future::{JoinHandle, yield_now};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::sequencer::Sequencer;
use super::super::standing::{Shared, Standing};
use super::super::witness::Fork;
use super::table::Line;
use crate::hot::HotAggregates;
use crate::pipeline::Permit;
use crate::queue::Queue;
use crate::{AppendError, Capabilities, Clock, EventLog, Head, LogLimits, ReadError, RecordedEvent, StreamId};

/// Yields at every step that others could see, instead of only where it has to wait.
#[derive(Clone, Copy, Debug)]
struct Pace {
    loiters: bool,
}

impl Pace {
    fn loiter(self) {
        if self.loiters {
            shuttle::thread::yield_now();
        }
    }
}

/// Asked between the look at the versions and the judgement.
impl Clock for Pace {
    fn now(&self) -> Timestamp {
        self.loiter();
        Timestamp::UNIX_EPOCH
    }
}

#[derive(Debug)]
pub(super) struct NodeLog {
    line: Line,
    queue: Queue,
    shared: Arc<Shared>,
    hot: HotAggregates,
    pace: Pace,
}

pub(super) struct Node {
    pub(super) log: Arc<NodeLog>,
    sequencer: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Node {
    pub(super) fn start(line: Line, limits: LogLimits, loiters: bool) -> Self {
        let (queue, requests) = Queue::new(limits.queue);
        let shared = Arc::new(Shared::new(limits.lease, Head::EMPTY));
        let cancel = CancellationToken::new();
        let pace = Pace { loiters };
        let hot = HotAggregates::new(&limits);
        let sequencer = Sequencer::new(
            line.clone(),
            crate::leader::Node {
                id: Uuid::from_u128(line.node as u128),
                url: None,
            },
            limits,
            Arc::new(pace),
            requests,
            Arc::clone(&shared),
            cancel.clone(),
        );
        Self {
            log: Arc::new(NodeLog {
                line,
                queue,
                shared,
                hot,
                pace,
            }),
            sequencer: shuttle::future::spawn(sequencer.run()),
            cancel,
        }
    }

    /// Stops once everything in the queue has met its fate.
    pub(super) async fn stop(self) {
        self.cancel.cancel();
        self.sequencer.await.unwrap();
    }
}

impl NodeLog {
    pub(super) async fn leads(&self) {
        let mut standing = self.shared.standing();
        standing.wait_for(|now| *now == Standing::Leading).await.unwrap();
    }
}

#[async_trait]
impl EventLog for NodeLog {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            contiguous_positions: true,
            inline_chain: true,
            atomic_batches: false,
        }
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        if !matches!(
            &*self.shared.standing().borrow(),
            Standing::Starting | Standing::Leading
        ) {
            return Err(AppendError::Unavailable("it does not lead".to_owned()));
        }
        let permit = Permit::new(self.queue.reserve()?);
        self.pace.loiter();
        Ok(permit)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        yield_now().await;
        let rows = self.line.table.rows().into_iter();
        let of_stream = rows.filter(|row| row.aggregate_id == *stream.aggregate_id && row.sequence > after_sequence);
        let page = of_stream.take(limit).collect();
        self.pace.loiter();
        Ok(page)
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let after = usize::try_from(after_position).unwrap();
        Ok(self.line.table.rows().into_iter().skip(after).take(limit).collect())
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(self.line.table.rows().last().map_or(Head::EMPTY, |row| Head {
            position: row.position,
            hash: row.hash,
        }))
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.shared.durable()
    }

    fn fork(&self) -> Option<Fork> {
        self.shared.fork()
    }

    fn epoch(&self) -> Option<u64> {
        self.pace.loiter();
        self.shared.epoch()
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }
}
