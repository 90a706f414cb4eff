//! The port on top of a client.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use event_log::hot::HotAggregates;
use event_log::pipeline::Permit;
use event_log::queue::Queue;
use event_log::{AppendError, Capabilities, Clock, EventLog, Head, LogLimits, ReadError, RecordedEvent, StreamId};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::client::{Client, ClientError, Found};
use crate::delivery::Delivery;
use crate::envelope::{self, Opened};
use crate::follow::Follower;
use crate::lanes::Lanes;
use crate::limits::EsdbLimits;

/// The log of this process on an engine.
pub struct EsdbLog<C> {
    queue: Queue,
    delivery: Arc<Delivery<C>>,
    reader: Reader<C>,
    epoch: Arc<AtomicU64>,
    hot: HotAggregates,
}

impl<C: Client> EsdbLog<C> {
    /// Starts on `tracker`; what is enqueued is still delivered once it is cancelled. Fails if the engine
    /// stays away.
    pub async fn start(
        client: C,
        (limits, own): (LogLimits, EsdbLimits),
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Arc<Self>, ReadError> {
        let client = Arc::new(client);
        let reader = Reader {
            client: Arc::clone(&client),
            limits: own.clone(),
        };
        let head = reader.head_within(limits.startup_wait).await?;
        // Half of the places in the channel, half in the lines behind it.
        let half = (limits.queue / 2).max(1);
        let (queue, requests) = Queue::new(half);
        let delivery = Arc::new(Delivery {
            client,
            clock,
            limits: own,
            outage_wait: limits.outage_wait,
            writer: Uuid::new_v4(),
            durable: watch::Sender::new(head.as_ref().map_or(0, |event| event.position)),
            latest: AtomicI64::new(head.as_ref().map_or(0, |event| event.recorded_at.timestamp_micros())),
        });
        let at = *delivery.durable.borrow();
        let epoch = Arc::new(AtomicU64::new(0));
        tracker.spawn(Lanes::new(Arc::clone(&delivery), requests, half).run(cancel.clone()));
        tracker.spawn(
            Follower {
                delivery: Arc::clone(&delivery),
                reader: reader.clone(),
                epoch: Arc::clone(&epoch),
                at,
            }
            .run(cancel),
        );
        Ok(Arc::new(Self {
            queue,
            delivery,
            reader,
            epoch,
            hot: HotAggregates::new(&limits),
        }))
    }
}

/// Reads the log; every call is bounded.
pub(crate) struct Reader<C> {
    client: Arc<C>,
    limits: EsdbLimits,
}

impl<C> Clone for Reader<C> {
    fn clone(&self) -> Self {
        Self {
            client: Arc::clone(&self.client),
            limits: self.limits.clone(),
        }
    }
}

impl<C: Client> Reader<C> {
    async fn bounded(
        &self,
        call: impl Future<Output = Result<Vec<Found>, ClientError>>,
    ) -> Result<Vec<Found>, ReadError> {
        match tokio::time::timeout(self.limits.call_limit, call).await {
            Ok(found) => found.map_err(|error| ReadError::Unavailable(error.into())),
            Err(elapsed) => Err(ReadError::Unavailable(elapsed.into())),
        }
    }

    /// The events of the log after a position, at most `limit`; fewer only where the log ends.
    pub(crate) async fn opened_after(&self, after: u64, limit: usize) -> Result<Vec<Opened>, ReadError> {
        let mut opened = Vec::new();
        let mut after = after;
        if after == u64::MAX {
            return Ok(opened);
        }
        for _ in 0..self.limits.pages_passed {
            // The event at `after` comes along.
            let count = (limit - opened.len()).clamp(1, self.limits.page) + 1;
            let found = self.bounded(self.client.read_all(after, count)).await?;
            let is_last = found.len() < count;
            let begun_after = after;
            for found in found {
                if found.position <= begun_after {
                    continue;
                }
                after = found.position;
                if !envelope::is_system(&found) && opened.len() < limit {
                    opened.push(envelope::open(found)?);
                }
            }
            if is_last || opened.len() >= limit {
                break;
            }
        }
        Ok(opened)
    }

    /// The last event of the log, from an engine that may not be there yet.
    async fn head_within(&self, wait: Duration) -> Result<Option<RecordedEvent>, ReadError> {
        let until = Instant::now() + wait;
        loop {
            match self.head().await {
                Err(ReadError::Unavailable(_)) if Instant::now() < until => {
                    tokio::time::sleep(self.limits.retry.0).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// The last event of the log.
    async fn head(&self) -> Result<Option<RecordedEvent>, ReadError> {
        let mut before = None;
        for _ in 0..self.limits.pages_passed {
            let found = self.bounded(self.client.read_back(before, self.limits.page)).await?;
            let is_last = found.len() < self.limits.page;
            before = found.last().map(|event| event.position);
            if let Some(last) = found.into_iter().find(|found| !envelope::is_system(found)) {
                return envelope::open(last).map(|opened| Some(opened.event));
            }
            if is_last {
                break;
            }
        }
        Ok(None)
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
        Ok(opened.into_iter().map(|opened| opened.event).collect())
    }

    /// Positions are far apart, so a page is looked through before the rest is halved.
    async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        let (mut low, mut high) = (0, self.head().await?.position);
        let page = self.reader.limits.page;
        loop {
            let events = self.read_all(low, page).await?;
            let before = events.iter().take_while(|event| event.recorded_at <= time);
            let (count, last) = before.fold((0, low), |(count, _), event| (count + 1, event.position));
            low = last;
            if count < page {
                return Ok(low);
            }
            let middle = low + high.saturating_sub(low) / 2;
            match self.read_all(middle, 1).await?.first() {
                Some(event) if event.recorded_at <= time => low = event.position,
                _ => high = middle,
            }
        }
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
