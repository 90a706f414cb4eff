//! Batches, their bounds, and what callers learn when one fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::{Gather, GatherError, Limits, WriteBatch};

const LIMITS: Limits = Limits {
    waiting: 8,
    batch: 4,
    write: Duration::from_secs(20),
    pace: Duration::ZERO,
};

/// Doubles numbers when it is let; tells of each batch it begins.
struct Doubler {
    begun: mpsc::UnboundedSender<Vec<u32>>,
    may_write: Arc<Notify>,
    breaks: Arc<AtomicBool>,
}

impl WriteBatch for Doubler {
    type Call = u32;
    type Answer = u32;

    const NAME: &'static str = "doubler";

    async fn write(&self, calls: Vec<u32>) -> Vec<u32> {
        self.begun.send(calls.clone()).unwrap();
        self.may_write.notified().await;
        assert!(!self.breaks.load(Ordering::SeqCst), "told to break");
        calls.into_iter().map(|call| call * 2).collect()
    }
}

struct Setup {
    gather: Gather<Doubler>,
    begun: mpsc::UnboundedReceiver<Vec<u32>>,
    may_write: Arc<Notify>,
    breaks: Arc<AtomicBool>,
    calls: tokio::task::JoinSet<Result<u32, GatherError>>,
}

fn setup(limits: Limits) -> Setup {
    let (sender, begun) = mpsc::unbounded_channel();
    let (may_write, breaks) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let doubler = Doubler {
        begun: sender,
        may_write: Arc::clone(&may_write),
        breaks: Arc::clone(&breaks),
    };
    Setup {
        gather: Gather::new(doubler, limits),
        begun,
        may_write,
        breaks,
        calls: tokio::task::JoinSet::new(),
    }
}

impl Setup {
    fn call(&mut self, number: u32) {
        let gather = self.gather.clone();
        self.calls.spawn(async move { gather.call(number).await });
    }

    async fn next_batch(&mut self) -> Vec<u32> {
        self.begun.recv().await.unwrap()
    }

    async fn answers(&mut self, count: usize) -> Vec<Result<u32, GatherError>> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(self.calls.join_next().await.unwrap().unwrap());
        }
        answers.sort_by_key(|answer| answer.unwrap_or(0));
        answers
    }
}

#[tokio::test]
async fn what_comes_while_a_batch_is_written_goes_together_into_the_next() {
    let mut setup = setup(LIMITS);
    setup.call(1);
    assert_eq!(setup.next_batch().await, [1], "nobody to wait for");
    for number in 2..=7 {
        setup.call(number);
        tokio::task::yield_now().await;
    }
    setup.may_write.notify_one();
    assert_eq!(setup.next_batch().await, [2, 3, 4, 5], "no more than a batch holds");
    setup.may_write.notify_one();
    assert_eq!(setup.next_batch().await, [6, 7]);
    setup.may_write.notify_one();
    let expected: Vec<_> = (1..=7).map(|number| Ok(number * 2)).collect();
    assert_eq!(setup.answers(7).await, expected, "each gets its own answer");
}

#[tokio::test]
async fn a_full_queue_turns_calls_away() {
    let mut setup = setup(LIMITS);
    setup.call(1);
    setup.next_batch().await;
    for number in 2..=9 {
        setup.call(number);
        tokio::task::yield_now().await;
    }
    assert_eq!(setup.gather.call(10).await, Err(GatherError::Full));
}

#[tokio::test]
async fn a_writer_that_breaks_loses_those_who_wait_and_nobody_after_them() {
    let mut setup = setup(LIMITS);
    setup.breaks.store(true, Ordering::SeqCst);
    setup.call(1);
    setup.next_batch().await;
    setup.call(2);
    tokio::task::yield_now().await;
    setup.may_write.notify_one();
    assert_eq!(setup.answers(2).await, [Err(GatherError::Lost); 2]);

    setup.breaks.store(false, Ordering::SeqCst);
    setup.call(3);
    setup.next_batch().await;
    setup.may_write.notify_one();
    assert_eq!(setup.answers(1).await, [Ok(6)]);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_given_up() {
    let mut setup = setup(Limits {
        write: Duration::from_millis(20),
        ..LIMITS
    });
    setup.call(1);
    assert_eq!(setup.answers(1).await, [Err(GatherError::Lost)]);
}

#[tokio::test]
async fn a_caller_who_goes_away_cancels_nothing() {
    let mut setup = setup(LIMITS);
    setup.call(1);
    setup.next_batch().await;
    setup.call(2);
    tokio::task::yield_now().await;
    setup.calls.abort_all();
    while setup.calls.join_next().await.is_some() {}
    setup.may_write.notify_one();
    assert_eq!(setup.next_batch().await, [2]);
}
