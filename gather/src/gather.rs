//! The queue in front of a writer, and the task that empties it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What is done with a batch of calls.
pub trait WriteBatch: Send + Sync + 'static {
    type Call: Send;
    type Answer: Send;

    /// The name in the metrics.
    const NAME: &'static str;

    /// Writes all of them, and answers each: as many answers as calls, in their order.
    fn write(&self, calls: Vec<Self::Call>) -> impl Future<Output = Vec<Self::Answer>> + Send;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Calls that may wait. More are turned away.
    pub waiting: usize,
    /// Calls of one batch.
    pub batch: usize,
    /// A batch that takes longer is given up; what it did is unknown.
    pub write: Duration,
    /// While calls wait, batches begin at least so far apart, unless a full one waits: fewer batches, each with more in
    /// it. Nobody waits longer for it than this.
    pub pace: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum GatherError {
    /// Too many wait. The call was not made.
    #[error("too many calls wait")]
    Full,
    /// The batch did not come to its end. Whether the call was made is unknown.
    #[error("the batch was not written to its end")]
    Lost,
}

/// Gathers calls for a writer. Cheap to clone; clones share the queue.
pub struct Gather<W: WriteBatch> {
    shared: Arc<Shared<W>>,
    tracker: TaskTracker,
}

struct Shared<W: WriteBatch> {
    writer: W,
    limits: Limits,
    queue: Mutex<Queue<W>>,
}

struct Queue<W: WriteBatch> {
    waiting: VecDeque<Waiting<W>>,
    /// A task empties the queue. It looks once more under the lock before it says that it ends.
    is_emptied: bool,
}

struct Waiting<W: WriteBatch> {
    call: W::Call,
    answer: oneshot::Sender<W::Answer>,
}

impl<W: WriteBatch> Gather<W> {
    pub fn new(writer: W, limits: Limits) -> Self {
        let queue = Queue {
            waiting: VecDeque::new(),
            is_emptied: false,
        };
        Self {
            shared: Arc::new(Shared {
                writer,
                limits,
                queue: Mutex::new(queue),
            }),
            tracker: TaskTracker::new(),
        }
    }

    pub fn writer(&self) -> &W {
        &self.shared.writer
    }

    /// Hands the call over, and waits for its answer.
    pub async fn call(&self, call: W::Call) -> Result<W::Answer, GatherError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.shared.queue();
            if queue.waiting.len() >= self.shared.limits.waiting {
                metrics::counter!("gather_full_total", "name" => W::NAME).increment(1);
                return Err(GatherError::Full);
            }
            queue.waiting.push_back(Waiting { call, answer });
            if !queue.is_emptied {
                queue.is_emptied = true;
                self.tracker.spawn(Emptying(Arc::clone(&self.shared)).run());
            }
        }
        answered.await.map_err(|_| GatherError::Lost)
    }
}

impl<W: WriteBatch> Shared<W> {
    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that empties the queue. One that ends early, by a panic of the writer or with its runtime, tells those who
/// wait, and leaves the queue to the next call.
struct Emptying<W: WriteBatch>(Arc<Shared<W>>);

impl<W: WriteBatch> Emptying<W> {
    async fn run(self) {
        let limits = self.0.limits;
        while let Some(batch) = self.next_batch() {
            let began_at = Instant::now();
            self.write(batch).await;
            let is_worth_waiting = {
                let waiting = self.0.queue().waiting.len();
                waiting > 0 && waiting < limits.batch
            };
            if is_worth_waiting {
                tokio::time::sleep_until(began_at + limits.pace).await;
            }
        }
    }

    fn next_batch(&self) -> Option<Vec<Waiting<W>>> {
        let mut queue = self.0.queue();
        let count = queue.waiting.len().min(self.0.limits.batch);
        if count == 0 {
            queue.is_emptied = false;
            return None;
        }
        Some(queue.waiting.drain(..count).collect())
    }

    async fn write(&self, batch: Vec<Waiting<W>>) {
        metrics::counter!("gather_batches_total", "name" => W::NAME).increment(1);
        metrics::counter!("gather_calls_total", "name" => W::NAME).increment(batch.len() as u64);
        let began_at = Instant::now();
        let (calls, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.call, waiting.answer)).unzip();
        let written = tokio::time::timeout(self.0.limits.write, self.0.writer.write(calls)).await;
        metrics::histogram!("gather_write_seconds", "name" => W::NAME).record(began_at.elapsed());
        // What has no answer is dropped, and its caller told.
        for (answer, written) in answers.into_iter().zip(written.unwrap_or_default()) {
            let _ = answer.send(written);
        }
    }
}

impl<W: WriteBatch> Drop for Emptying<W> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        if queue.is_emptied {
            queue.is_emptied = false;
            queue.waiting.clear();
        }
    }
}

impl<W: WriteBatch> Clone for Gather<W> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            tracker: self.tracker.clone(),
        }
    }
}

impl<W: WriteBatch> fmt::Debug for Gather<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("name", &W::NAME)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}
