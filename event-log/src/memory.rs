//! The log in memory, with the same contract: for tests that need no database.
//!
//! Nothing runs in the background: what is enqueued is recorded at once, in the caller's task, unless the log is held.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::hot::HotAggregates;
use crate::limits::LogLimits;
use crate::pipeline::{Permit, Request};
use crate::plan::{Accepted, Ground, Plan, Tail};
use crate::queue::Queue;
use crate::{AppendError, Capabilities, Clock, EventLog, Head, ReadError, RecordedEvent, StreamId, SystemClock};

/// A log that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryLog {
    limits: LogLimits,
    clock: Arc<dyn Clock>,
    queue: Queue,
    state: Arc<Mutex<State>>,
    durable: Arc<watch::Sender<u64>>,
    hot: HotAggregates,
}

#[derive(Debug)]
struct State {
    requests: mpsc::Receiver<Request>,
    tail: Tail,
    events: Vec<RecordedEvent>,
    versions: HashMap<StreamId, u64>,
    is_held: bool,
    failures: VecDeque<AppendError>,
}

impl MemoryLog {
    pub fn new() -> Arc<Self> {
        Self::with(LogLimits::default(), Arc::new(SystemClock))
    }

    pub fn with(limits: LogLimits, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (queue, requests) = Queue::new(limits.queue, limits.reserve_wait);
        Arc::new(Self {
            hot: HotAggregates::new(limits.hot_aggregates),
            limits,
            clock,
            queue,
            state: Arc::new(Mutex::new(State {
                requests,
                tail: Tail::EMPTY,
                events: Vec::new(),
                versions: HashMap::new(),
                is_held: false,
                failures: VecDeque::new(),
            })),
            durable: Arc::new(watch::Sender::new(0)),
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
        self.drain();
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
        lock(&self.state)
    }

    fn drain(&self) {
        drain(&self.state, &self.limits, self.clock.as_ref(), &self.durable);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drain(state: &Mutex<State>, limits: &LogLimits, clock: &dyn Clock, durable: &watch::Sender<u64>) {
    let mut state = lock(state);
    if state.is_held {
        return;
    }
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
    let ground = Ground {
        tail: state.tail,
        now: clock.now(),
        patience: limits.outage_wait,
        spoiled: &HashSet::new(),
    };
    let plan = Plan::make(reject_malformed(batch), &ground, |stream| {
        state.versions.get(stream).copied().unwrap_or(0)
    });
    for accepted in &plan.accepted {
        record(&mut state.events, accepted, &plan);
    }
    state.tail = plan.tail;
    state
        .versions
        .extend(plan.versions.iter().map(|(stream, version)| (stream.clone(), *version)));
    durable.send_replace(state.tail.head.position);
    plan.acknowledge();
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

fn record(events: &mut Vec<RecordedEvent>, accepted: &Accepted, plan: &Plan) {
    let append = accepted.request.append();
    for ((event, hash), (sequence, position)) in append.events.iter().zip(&accepted.hashes).zip(accepted.numbers()) {
        events.push(RecordedEvent {
            position,
            aggregate_type: append.stream.aggregate_type.to_owned(),
            aggregate_id: append.stream.aggregate_id.to_string(),
            sequence,
            event_type: event.event_type.clone().into_owned(),
            event_version: event.event_version.clone().into_owned(),
            payload: String::from_utf8_lossy(&event.payload).into_owned(),
            metadata: String::from_utf8_lossy(&append.metadata).into_owned(),
            recorded_at: plan.recorded_at,
            hash: *hash,
        });
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

    async fn reserve(&self) -> Result<Permit, AppendError> {
        let place = self.queue.reserve().await?;
        let state = Arc::clone(&self.state);
        let (limits, clock, durable) = (self.limits.clone(), Arc::clone(&self.clock), Arc::clone(&self.durable));
        Ok(Permit::new(move |request| {
            drop(place.send(request));
            drain(&state, &limits, clock.as_ref(), &durable);
        }))
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
        self.durable.subscribe()
    }

    fn epoch(&self) -> Option<u64> {
        Some(0)
    }

    fn hot_aggregates(&self) -> &HotAggregates {
        &self.hot
    }
}
