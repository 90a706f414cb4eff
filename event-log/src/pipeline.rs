//! Appending without waiting: a permit, a request in the queue, an answer that comes when its fate is known.
//!
//! Invariants: a request is answered exactly once, even if its log stops; a failed request breaks its generation before
//! its answer is seen, so nothing that rests on it can still be recorded.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use domain::Timestamp;
use tokio::sync::mpsc::OwnedPermit;
use tokio::time::Instant;

use crate::hot::Admission;
use crate::{AppendError, Appended, StreamAppend};

pub type Outcome = Result<Appended, AppendError>;

/// A run of decisions that rest on one another, starting from one load of an aggregate. Once one of them fails, all that
/// are still queued fail too (`Cascade`), and the aggregate is loaded again.
#[derive(Clone, Debug, Default)]
pub struct Generation(Arc<Run>);

#[derive(Debug, Default)]
struct Run {
    is_broken: AtomicBool,
    /// In which epoch of the log the aggregate was loaded.
    epoch: Option<u64>,
}

impl Generation {
    /// Starts from a load in this epoch of the log.
    pub(crate) fn in_epoch(epoch: Option<u64>) -> Self {
        Self(Arc::new(Run {
            is_broken: AtomicBool::new(false),
            epoch,
        }))
    }

    pub fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Acquire)
    }

    fn break_off(&self) {
        self.0.is_broken.store(true, Ordering::Release);
    }
}

/// An append in the queue.
#[derive(Debug)]
pub struct Request {
    append: StreamAppend,
    generation: Option<Generation>,
    queued_at: Instant,
    /// When another log recorded it, of which this one holds a copy.
    recorded_at: Option<Timestamp>,
    /// The one position that its first event may have.
    place: Option<u64>,
    answer: Option<Arc<Answer>>,
    /// Given back when the request is answered.
    admission: Option<Admission>,
}

impl Request {
    pub fn append(&self) -> &StreamAppend {
        &self.append
    }

    pub fn queued_at(&self) -> Instant {
        self.queued_at
    }

    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.recorded_at
    }

    pub(crate) fn place(&self) -> Option<u64> {
        self.place
    }

    /// What another log needs to decide it.
    pub(crate) fn forward(&self, permit: Permit) -> Pending {
        permit.enqueue(self.append.clone(), self.generation.clone())
    }

    /// Whether an earlier append that this one rests on has failed.
    pub fn is_cut_off(&self) -> bool {
        self.generation.as_ref().is_some_and(Generation::is_broken)
    }

    /// Whether the version it expects needs no proof: its aggregate was loaded in this epoch, in which nobody else
    /// appends, and what was decided since is in the queue before it.
    pub(crate) fn vouches_in(&self, epoch: u64) -> bool {
        self.generation
            .as_ref()
            .is_some_and(|generation| generation.0.epoch == Some(epoch) && !generation.is_broken())
    }

    /// Cuts off what rests on it, before it is answered.
    pub(crate) fn break_off(&self) {
        if let Some(generation) = &self.generation {
            generation.break_off();
        }
    }

    pub fn answer(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some(answer) = self.answer.take() else { return };
        drop(self.admission.take());
        if outcome.is_err() {
            self.break_off();
        }
        answer.give(outcome);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.settle(Err(AppendError::Unavailable("the log gave the append up".to_owned())));
    }
}

/// A place in the queue, to be used once. Dropping it gives the place back.
pub struct Permit {
    place: OwnedPermit<Request>,
    reader: Option<Arc<dyn Fn() + Send + Sync>>,
    admission: Option<Admission>,
}

impl Permit {
    pub(crate) fn new(place: OwnedPermit<Request>) -> Self {
        Self {
            place,
            reader: None,
            admission: None,
        }
    }

    /// A place in a queue that nobody reads by himself: `reader` is called when something is in it.
    pub(crate) fn with_reader(place: OwnedPermit<Request>, reader: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            reader: Some(reader),
            ..Self::new(place)
        }
    }

    /// Takes the command's admission to its aggregate along.
    pub(crate) fn with_admission(self, admission: Admission) -> Self {
        Self {
            admission: Some(admission),
            ..self
        }
    }

    /// Never waits. What is enqueued in this order is recorded in this order.
    pub fn enqueue(self, append: StreamAppend, generation: Option<Generation>) -> Pending {
        self.send(append, generation, (None, None))
    }

    /// What another log recorded at this time, as it was recorded there.
    pub(crate) fn enqueue_copy(self, append: StreamAppend, recorded_at: Timestamp) -> Pending {
        self.send(append, None, (Some(recorded_at), None))
    }

    /// The same, at this position or not at all: nothing may be left out before it, and nothing put in.
    pub(crate) fn enqueue_at(self, append: StreamAppend, recorded_at: Timestamp, place: u64) -> Pending {
        self.send(append, None, (Some(recorded_at), Some(place)))
    }

    fn send(
        self,
        append: StreamAppend,
        generation: Option<Generation>,
        (recorded_at, place): (Option<Timestamp>, Option<u64>),
    ) -> Pending {
        let answer = Arc::new(Answer::default());
        // A closed queue still takes what was promised a place; its reader answers it.
        drop(self.place.send(Request {
            append,
            generation,
            queued_at: Instant::now(),
            recorded_at,
            place,
            answer: Some(Arc::clone(&answer)),
            admission: self.admission,
        }));
        if let Some(read) = self.reader {
            read();
        }
        Pending(answer)
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// The fate of an enqueued append; clones see the same one.
#[derive(Clone, Debug)]
pub struct Pending(Arc<Answer>);

impl Pending {
    /// The outcome, if it is known by now.
    pub fn known(&self) -> Option<Outcome> {
        self.0.state().outcome.clone()
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = self.0.state();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.clone());
        }
        state.wait(context.waker());
        Poll::Pending
    }
}

/// Where an outcome is left for those who wait for it.
#[derive(Debug, Default)]
struct Answer(Mutex<AnswerState>);

#[derive(Debug, Default)]
struct AnswerState {
    outcome: Option<Outcome>,
    /// Almost always one.
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Answer {
    fn state(&self) -> MutexGuard<'_, AnswerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, outcome: Outcome) {
        let (first, others) = {
            let mut state = self.state();
            state.outcome = Some(outcome);
            (state.first.take(), std::mem::take(&mut state.others))
        };
        first.into_iter().chain(others).for_each(Waker::wake);
    }
}

impl AnswerState {
    fn wait(&mut self, waker: &Waker) {
        if self
            .first
            .iter()
            .chain(&self.others)
            .any(|known| known.will_wake(waker))
        {
            return;
        }
        match &self.first {
            None => self.first = Some(waker.clone()),
            Some(_) => self.others.push(waker.clone()),
        }
    }
}
