//! The log in memory, with the same contract: for tests that need no database.
//!
//! Nothing runs in the background: what is enqueued is recorded at once, in the caller's task, unless the log is held.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::hot::HotAggregates;
use crate::limits::LogLimits;
use crate::pipeline::{Permit, Request};
use crate::plan::{Ground, Plan, Row, Tail};
use crate::queue::Queue;
use crate::versions::Versions;
use crate::{AppendError, Capabilities, Clock, EventLog, Head, ReadError, RecordedEvent, StreamId, SystemClock};

/// A log that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryLog {
    queue: Queue,
    desk: Arc<Desk>,
    hot: HotAggregates,
}

/// What records the queue.
#[derive(Debug)]
struct Desk {
    limits: LogLimits,
    clock: Arc<dyn Clock>,
    durable: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests: mpsc::Receiver<Request>,
    tail: Tail,
    events: Vec<RecordedEvent>,
    versions: Versions,
    is_held: bool,
    failures: VecDeque<AppendError>,
}

impl MemoryLog {
    pub fn new() -> Arc<Self> {
        Self::with(LogLimits::default(), Arc::new(SystemClock))
    }

    pub fn with(limits: LogLimits, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (queue, requests) = Queue::new(limits.queue);
        Arc::new(Self {
            hot: HotAggregates::new(&limits),
            queue,
            desk: Arc::new(Desk {
                limits,
                clock,
                durable: watch::Sender::new(0),
                state: Mutex::new(State {
                    requests,
                    tail: Tail::EMPTY,
                    events: Vec::new(),
                    versions: Versions::new(usize::MAX),
                    is_held: false,
                    failures: VecDeque::new(),
                }),
            }),
        })
    }

    /// From now on, appends stay in the queue: nothing becomes durable until `release`.
    #[doc(hidden)]
    pub fn hold(&self) {
        self.state().is_held = true;
    }

    /// Records what has gathered, as one batch.
    #[doc(hidden)]
    pub fn release(&self) {
        self.state().is_held = false;
        self.desk.drain();
    }

    /// The next batch fails as a whole. Called twice, so does the one after it.
    #[doc(hidden)]
    pub fn fail_next_batch(&self, error: AppendError) {
        self.state().failures.push_back(error);
    }

    /// Requests in the queue of a held log.
    #[doc(hidden)]
    pub fn queued(&self) -> usize {
        self.state().requests.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.desk.state()
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) {
        let mut state = self.state();
        if !state.is_held {
            self.record_all(&mut state);
        }
    }

    fn record_all(&self, state: &mut State) {
        let mut batch = Vec::new();
        while let Ok(request) = state.requests.try_recv() {
            batch.push(request);
        }
        if batch.is_empty() {
            return;
        }
        if let Some(error) = state.failures.pop_front() {
            for request in batch {
                request.answer(Err(error.clone()));
            }
            return;
        }
        let ground = Ground::new(self.clock.now(), self.limits.outage_wait);
        let mut plan = Plan::after(state.tail);
        for request in reject_malformed(batch) {
            let version = state.versions.get(&request.append().stream).unwrap_or(0);
            plan.judge(request, version, &ground, &mut state.versions);
        }
        state.events.extend(plan.rows().map(|row| recorded(&row)));
        state.tail = plan.tail;
        self.durable.send_replace(state.tail.head.position);
        plan.acknowledge();
    }
}

/// A database would refuse what is no JSON; so does this.
fn reject_malformed(batch: Vec<Request>) -> Vec<Request> {
    let mut spoiled = HashSet::new();
    let mut sound = Vec::with_capacity(batch.len());
    for request in batch {
        let append = request.append();
        if spoiled.contains(&append.stream) {
            let stream = append.stream.clone();
            request.answer(Err(AppendError::Cascade { stream }));
            continue;
        }
        let texts = append.events.iter().map(|event| event.payload.as_slice());
        let malformed = texts
            .chain([append.metadata.as_ref()])
            .find_map(|text| serde_json::from_slice::<&serde_json::value::RawValue>(text).err());
        match malformed {
            Some(error) => {
                spoiled.insert(append.stream.clone());
                request.answer(Err(AppendError::Rejected(error.to_string())));
            }
            None => sound.push(request),
        }
    }
    sound
}

fn recorded(row: &Row<'_>) -> RecordedEvent {
    RecordedEvent {
        position: row.position,
        aggregate_type: row.stream.aggregate_type.to_owned(),
        aggregate_id: row.stream.aggregate_id.to_string(),
        sequence: row.sequence,
        event_type: row.event.event_type.clone().into_owned(),
        event_version: row.event.event_version.clone().into_owned(),
        payload: String::from_utf8_lossy(&row.event.payload).into_owned(),
        metadata: String::from_utf8_lossy(row.metadata).into_owned(),
        recorded_at: row.recorded_at,
        hash: *row.hash,
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            contiguous_positions: true,
            inline_chain: true,
            atomic_batches: false,
        }
    }

    fn reserve(&self) -> Result<Permit, AppendError> {
        let place = self.queue.reserve()?;
        let desk = Arc::clone(&self.desk);
        Ok(Permit::with_reader(place, Arc::new(move || desk.drain())))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after_sequence: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let state = self.state();
        let of_stream = state.events.iter().filter(|event| {
            event.aggregate_type == stream.aggregate_type
                && event.aggregate_id == *stream.aggregate_id
                && event.sequence > after_sequence
        });
        Ok(of_stream.take(limit).cloned().collect())
    }

    async fn read_all(&self, after_position: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        let state = self.state();
        let after = usize::try_from(after_position).unwrap_or(usize::MAX);
        Ok(state.events.iter().skip(after).take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(self.state().tail.head)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.desk.durable.subscribe()
    }

    fn epoch(&self) -> Option<u64> {
        Some(0)
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }
}
