//! The port on top of a client.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use domain::Timestamp;
use event_log::hot::HotAggregates;
use event_log::pipeline::Permit;
use event_log::queue::Queue;
use event_log::{AppendError, Capabilities, Clock, EventLog, Head, LogLimits, ReadError, RecordedEvent, StreamId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::client::Client;
use crate::delivery::Delivery;
use crate::envelope::{self, Opened};
use crate::follow::Follower;
use crate::lanes::Lanes;
use crate::limits::EsdbLimits;
use crate::reader::Reader;

/// The log of this process on an engine.
pub struct EsdbLog<C> {
    queue: Queue,
    delivery: Arc<Delivery<C>>,
    reader: Reader<C>,
    epoch: Arc<AtomicU64>,
    /// The last position that was handed out in the order of the log.
    handed_out: AtomicU64,
    hot: HotAggregates,
}

impl<C: Client> EsdbLog<C> {
    /// Starts on `tracker`; what is enqueued is still delivered once it is cancelled. Returns when the end of the log is
    /// known, or after `startup_wait`: it goes on trying. Fails if what lies there is not a log of ours.
    pub async fn start(
        client: C,
        (limits, own): (LogLimits, EsdbLimits),
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Arc<Self>, ReadError> {
        let client = Arc::new(client);
        let reader = Reader::new(Arc::clone(&client), own.clone());
        let head = match reader.head_within(limits.startup_wait).await {
            Err(error @ ReadError::Unavailable(_)) => {
                tracing::warn!(%error, "the log's engine is away");
                None
            }
            head => Some(head?),
        };
        let last = head.as_ref().and_then(Option::as_ref);
        // Half of the places in the channel, half in the lines behind it.
        let half = (limits.queue / 2).max(1);
        let (queue, requests) = Queue::new(half);
        let delivery = Arc::new(Delivery {
            client,
            clock,
            limits: own,
            outage_wait: limits.outage_wait,
            writer: Uuid::new_v4(),
            durable: watch::Sender::new(last.map_or(0, |event| event.position)),
            latest: AtomicI64::new(last.map_or(0, |event| event.recorded_at.timestamp_micros())),
        });
        let at = head.is_some().then(|| *delivery.durable.borrow());
        let epoch = Arc::new(AtomicU64::new(0));
        tracker.spawn(Lanes::new(Arc::clone(&delivery), requests, half).run(cancel.clone()));
        tracker.spawn(
            Follower {
                delivery: Arc::clone(&delivery),
                reader: reader.clone(),
                epoch: Arc::clone(&epoch),
                at: at.unwrap_or(0),
                is_placed: at.is_some(),
            }
            .run(cancel),
        );
        Ok(Arc::new(Self {
            queue,
            delivery,
            reader,
            epoch,
            handed_out: AtomicU64::new(0),
            hot: HotAggregates::new(&limits),
        }))
    }
}

impl<C> EsdbLog<C> {
    /// Turns the epoch for what others appended, whether or not the subscription has brought it: whoever reads the log in its
    /// order may hold it before that, and a copy that has it must not stand beside a state that is taken to be current.
    fn hand_out(&self, events: &[Opened]) {
        let handed_out = self.handed_out.load(Ordering::Acquire);
        let is_news = |opened: &Opened| opened.event.position > handed_out && opened.writer != self.delivery.writer;
        if events.iter().any(is_news) {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        if let Some(last) = events.last() {
            self.handed_out.fetch_max(last.event.position, Ordering::AcqRel);
        }
    }
}

impl<C> fmt::Debug for EsdbLog<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EsdbLog")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<C: Client> EventLog for EsdbLog<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            contiguous_positions: false,
            inline_chain: false,
            atomic_batches: false,
        }
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        self.queue.permit()
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let name = stream.to_string();
        let call = self.reader.client.read_stream(&name, after_sequence, limit);
        let found = self.reader.bounded(call).await?;
        found
            .into_iter()
            .map(|found| envelope::open(found).map(|opened| opened.event))
            .collect()
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let opened = self.reader.opened_after(after_position, limit).await?;
        self.hand_out(&opened);
        Ok(opened.into_iter().map(|opened| opened.event).collect())
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.reader.events_at(positions).await
    }

    async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        self.reader.position_at(time).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        let last = self.reader.head().await?;
        Ok(last.map_or(Head::EMPTY, |event| Head {
            position: event.position,
            hash: event.hash,
        }))
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.delivery.durable.subscribe()
    }

    /// Somebody else's append is seen when it is read back; until then the exact revision keeps it from being overlooked.
    fn epoch(&self) -> Option<u64> {
        Some(self.epoch.load(Ordering::Acquire))
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }
}
