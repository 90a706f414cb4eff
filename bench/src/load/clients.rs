//! A closed loop inside this process: each client waits for its durable answer before it asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio_util::task::TaskTracker;

use crate::harness::{Latencies, Sample};

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) clients: usize,
    /// Not counted.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// Ends the run before its time.
    pub(crate) operations_max: u64,
}

/// What became of one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Done,
    /// Lost races on the way to the answer.
    DoneAfter(u32),
}

/// What a run came to.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Of the operations that ended in the measured time.
    pub(crate) latencies: Latencies,
    pub(crate) elapsed: Duration,
    /// All of them, those of the warm-up too.
    pub(crate) operations: u64,
    pub(crate) conflicts: u64,
}

impl Run {
    pub(crate) fn sample(&self) -> Sample {
        Sample::rate(&self.latencies, self.elapsed)
    }
}

#[derive(Default)]
struct Client {
    samples_us: Vec<u32>,
    operations: u64,
    conflicts: u64,
}

/// Runs `operation(number)` from all clients; numbers are handed out one by one from `first` on. An operation that fails
/// fails the run.
pub(crate) async fn drive<F>(course: Course, operation: impl Fn(u64) -> F + Clone + Send + 'static) -> Result<Run>
where
    F: Future<Output = Result<Answer>> + Send,
{
    let tracker = TaskTracker::new();
    let numbers = Arc::new(AtomicU64::new(0));
    let counted_from = Instant::now() + course.warm_up;
    let deadline = counted_from + course.measured;
    let mut clients = Vec::with_capacity(course.clients);
    for _ in 0..course.clients {
        let (operation, numbers) = (operation.clone(), Arc::clone(&numbers));
        clients.push(tracker.spawn(async move {
            let mut client = Client::default();
            loop {
                let started = Instant::now();
                if started >= deadline {
                    return Ok::<_, anyhow::Error>(client);
                }
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= course.operations_max {
                    return Ok(client);
                }
                let answer = operation(number).await?;
                client.operations += 1;
                if let Answer::DoneAfter(conflicts) = answer {
                    client.conflicts += u64::from(conflicts);
                }
                let ended = Instant::now();
                if (counted_from..deadline).contains(&ended) {
                    let micros = ended.duration_since(started).as_micros();
                    client.samples_us.push(u32::try_from(micros).unwrap_or(u32::MAX));
                }
            }
        }));
    }
    let mut total = Client::default();
    for client in clients {
        let client = client.await.map_err(|panic| anyhow!("a client panicked: {panic}"))??;
        total.samples_us.extend(client.samples_us);
        total.operations += client.operations;
        total.conflicts += client.conflicts;
    }
    let ended = Instant::now().min(deadline);
    Ok(Run {
        latencies: Latencies::new(total.samples_us),
        elapsed: ended.saturating_duration_since(counted_from),
        operations: total.operations,
        conflicts: total.conflicts,
    })
}
