//! A log that lies elsewhere, as an engine of its own would have it: positions with holes, epochs that turn, and all that can
//! become of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::hot::HotAggregates;
use crate::pipeline::{Permit, Request};
use crate::queue::Queue;
use crate::tests::rules::{at, event, stream};
use crate::{
    AppendError, Appended, Capabilities, EventLog, Head, LogLimits, ManualClock, MemoryLog, ReadError, RecordedEvent,
    StreamAppend, StreamId,
};

/// Between two positions.
const STRIDE: u64 = 10;

#[derive(Debug)]
pub(in crate::tests) struct Elsewhere {
    queue: Queue,
    desk: Arc<Desk>,
    hot: HotAggregates,
}

#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
    wake: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    requests: mpsc::Receiver<Request>,
    log: Arc<MemoryLog>,
    /// Positions of what others appended and nobody has read yet.
    unseen: BTreeSet<u64>,
    epoch: u64,
    spy: Option<Spy>,
    fault: Option<Fault>,
    heads_read: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tests) enum Fault {
    /// No place in the queue.
    TakesNothing,
    /// Appends are recorded, and answered as if nobody knew.
    LosesAnswers,
    HeadHangs,
    ReadsHang,
    /// Whoever reads.
    Panics,
    /// Whoever wants to append.
    PanicsWhenAsked,
}

/// Is called whenever the log is read.
struct Spy(Box<dyn Fn() + Send>);

impl fmt::Debug for Spy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spy")
    }
}

impl Elsewhere {
    pub(in crate::tests) fn new() -> Arc<Self> {
        let limits = LogLimits::default();
        let (queue, requests) = Queue::new(limits.queue);
        Arc::new(Self {
            queue,
            desk: Arc::new(Desk {
                state: Mutex::new(State {
                    requests,
                    log: empty(),
                    unseen: BTreeSet::new(),
                    epoch: 1000,
                    spy: None,
                    fault: None,
                    heads_read: 0,
                }),
                wake: watch::Sender::new(0),
            }),
            hot: HotAggregates::new(&limits),
        })
    }

    /// Somebody else appends, and nobody is told.
    pub(in crate::tests) async fn others_append(&self, append: StreamAppend) {
        let log = Arc::clone(&self.desk.state().log);
        let appended = log.append(vec![append]).await.remove(0).unwrap();
        self.desk.state().unseen.insert(appended.position * STRIDE);
    }

    /// Everything after the first `kept` events is lost.
    pub(in crate::tests) async fn is_set_back(&self, kept: usize) {
        let before = Arc::clone(&self.desk.state().log);
        let log = empty();
        for event in before.read_all(0, kept).await.unwrap() {
            log.append(vec![again(&event)]).await.remove(0).unwrap();
        }
        self.desk.state().log = log;
    }

    pub(in crate::tests) fn whenever_it_is_read(&self, spy: impl Fn() + Send + 'static) {
        self.desk.state().spy = Some(Spy(Box::new(spy)));
    }

    pub(in crate::tests) fn has(&self, fault: Fault) {
        self.desk.state().fault = Some(fault);
    }

    pub(in crate::tests) fn recovers(&self) {
        self.desk.state().fault = None;
    }

    pub(in crate::tests) fn heads_read(&self) -> u32 {
        self.desk.state().heads_read
    }

    fn fault(&self) -> Option<Fault> {
        self.desk.state().fault
    }

    fn log(&self) -> Arc<MemoryLog> {
        Arc::clone(&self.desk.state().log)
    }
}

/// Time stands still, so that the same events have the same hashes.
fn empty() -> Arc<MemoryLog> {
    MemoryLog::with(LogLimits::default(), Arc::new(ManualClock::new(at(1000))))
}

fn again(recorded: &RecordedEvent) -> StreamAppend {
    StreamAppend {
        stream: stream(&recorded.aggregate_id),
        expected_version: recorded.sequence - 1,
        events: vec![event(recorded.payload.as_str())],
        metadata: recorded.metadata.as_bytes().into(),
    }
}

fn placed(mut event: RecordedEvent) -> RecordedEvent {
    event.position *= STRIDE;
    event
}

/// Where an event lies, or nothing can be read.
fn inner(position: u64) -> Result<u64, ReadError> {
    if position.is_multiple_of(STRIDE) {
        return Ok(position / STRIDE);
    }
    Err(ReadError::Unavailable(format!("no event lies at {position}").into()))
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) {
        let mut state = self.state();
        while let Ok(request) = state.requests.try_recv() {
            let permit = state.log.reserve().unwrap();
            let pending = match request.recorded_at() {
                Some(time) => permit.enqueue_copy(request.append().clone(), time),
                None => request.forward(permit),
            };
            let outcome = pending.known().expect("a log in memory answers at once");
            let outcome = outcome.map(|appended| Appended {
                position: appended.position * STRIDE,
                ..appended
            });
            if let Ok(appended) = &outcome {
                self.wake.send_replace(appended.position);
            }
            let outcome = match state.fault {
                Some(Fault::LosesAnswers) => Err(AppendError::Unavailable("the answer was lost".to_owned())),
                _ => outcome,
            };
            request.answer(outcome);
        }
    }
}

#[async_trait]
impl EventLog for Elsewhere {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            contiguous_positions: false,
            inline_chain: false,
            atomic_batches: false,
        }
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        let fault = self.fault();
        assert_ne!(fault, Some(Fault::PanicsWhenAsked), "as the test wants it");
        if fault == Some(Fault::TakesNothing) {
            return Err(AppendError::Overloaded);
        }
        let desk = Arc::clone(&self.desk);
        Ok(Permit::with_reader(
            self.queue.reserve()?,
            Arc::new(move || desk.drain()),
        ))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let found = self.log().read_stream(stream, after_sequence, limit).await?;
        Ok(found.into_iter().map(placed).collect())
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        assert_ne!(self.fault(), Some(Fault::Panics), "as the test wants it");
        while self.fault() == Some(Fault::ReadsHang) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let found = self.log().read_all(inner(after_position)?, limit).await?;
        let found: Vec<RecordedEvent> = found.into_iter().map(placed).collect();
        let mut state = self.desk.state();
        if let Some(Spy(spy)) = &state.spy {
            spy();
        }
        for event in &found {
            if state.unseen.remove(&event.position) {
                state.epoch += 1;
            }
        }
        Ok(found)
    }

    async fn read_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        let positions: Vec<u64> = positions.iter().filter_map(|position| inner(*position).ok()).collect();
        let found = self.log().read_at(&positions).await?;
        Ok(found.into_iter().map(placed).collect())
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.desk.state().heads_read += 1;
        if self.fault() == Some(Fault::HeadHangs) {
            return std::future::pending().await;
        }
        let head = self.log().head().await?;
        Ok(Head {
            position: head.position * STRIDE,
            ..head
        })
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.desk.wake.subscribe()
    }

    fn epoch(&self) -> Option<u64> {
        Some(self.desk.state().epoch)
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }
}
