//! Appending without waiting: a permit, a request in the queue, an answer that comes when its fate is known.
//!
//! Invariants: a request is answered exactly once, even if its log stops; a failed request breaks its generation before
//! its answer is seen, so nothing that rests on it can still be recorded.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::Shared;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::{AppendError, Appended, StreamAppend};

pub type Outcome = Result<Appended, AppendError>;

/// A run of decisions that rest on one another, starting from one load of an aggregate. Once one of them fails, all that
/// are still queued fail too (`Cascade`), and the aggregate is loaded again.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    broken: Arc<AtomicBool>,
}

impl Generation {
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    fn break_off(&self) {
        self.broken.store(true, Ordering::Release);
    }
}

/// An append in the queue.
#[derive(Debug)]
pub struct Request {
    append: StreamAppend,
    generation: Option<Generation>,
    queued_at: Instant,
    answer: Option<oneshot::Sender<Outcome>>,
}

impl Request {
    pub fn append(&self) -> &StreamAppend {
        &self.append
    }

    pub fn queued_at(&self) -> Instant {
        self.queued_at
    }

    /// Whether an earlier append that this one rests on has failed.
    pub fn is_cut_off(&self) -> bool {
        self.generation.as_ref().is_some_and(Generation::is_broken)
    }

    pub fn answer(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        let Some(answer) = self.answer.take() else { return };
        if outcome.is_err()
            && let Some(generation) = &self.generation
        {
            generation.break_off();
        }
        // Nobody listens if the caller gave up; the append stands or falls without it.
        let _ = answer.send(outcome);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.settle(Err(AppendError::Unavailable("the log gave the append up".to_owned())));
    }
}

/// A place in the queue, to be used once. Dropping it gives the place back.
pub struct Permit {
    send: Box<dyn FnOnce(Request) + Send>,
}

impl Permit {
    pub fn new(send: impl FnOnce(Request) + Send + 'static) -> Self {
        Self { send: Box::new(send) }
    }

    /// Never waits. What is enqueued in this order is recorded in this order.
    pub fn enqueue(self, append: StreamAppend, generation: Option<Generation>) -> Pending {
        let (answer, receiver) = oneshot::channel();
        (self.send)(Request {
            append,
            generation,
            queued_at: Instant::now(),
            answer: Some(answer),
        });
        Pending(Answer(receiver).shared())
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// The fate of an enqueued append; clones see the same one.
#[derive(Clone, Debug)]
pub struct Pending(Shared<Answer>);

impl Pending {
    /// The outcome, if it is known by now.
    pub fn known(&self) -> Option<Outcome> {
        self.0.clone().now_or_never()
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.0.poll_unpin(context)
    }
}

#[derive(Debug)]
struct Answer(oneshot::Receiver<Outcome>);

impl Future for Answer {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.0
            .poll_unpin(context)
            .map(|answer| answer.unwrap_or_else(|_| Err(AppendError::Unavailable("the log stopped".to_owned()))))
    }
}
