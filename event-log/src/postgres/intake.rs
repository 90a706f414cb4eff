//! What waits to be recorded: the queue, and in front of it what was taken out and has to be judged again.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::AppendError;
use crate::pipeline::Request;

const REFUSED_AT_ONCE: usize = 256;

pub(super) struct Intake {
    queue: mpsc::Receiver<Request>,
    again: VecDeque<Request>,
}

impl Intake {
    pub(super) fn new(queue: mpsc::Receiver<Request>) -> Self {
        Self {
            queue,
            again: VecDeque::new(),
        }
    }

    /// Waits for requests; at most `limit`, in their order. None if there will be no more. Given up, it has taken none.
    pub(super) async fn take(&mut self, limit: usize) -> Vec<Request> {
        let mut batch = self.take_again(limit);
        if batch.is_empty() {
            self.queue.recv_many(&mut batch, limit).await;
        }
        batch
    }

    /// What is there by now.
    pub(super) fn take_ready(&mut self, limit: usize) -> Vec<Request> {
        let mut batch = self.take_again(limit);
        while batch.len() < limit
            && let Ok(request) = self.queue.try_recv()
        {
            batch.push(request);
        }
        batch
    }

    fn take_again(&mut self, limit: usize) -> Vec<Request> {
        self.again.drain(..limit.min(self.again.len())).collect()
    }

    /// To the front again, in their order.
    pub(super) fn put_back(&mut self, requests: impl DoubleEndedIterator<Item = Request>) {
        for request in requests.rev() {
            self.again.push_front(request);
        }
    }

    /// No more places in the queue; what is in it, or was promised a place, still comes.
    pub(super) fn close(&mut self) {
        self.queue.close();
    }

    /// Refuses what comes, from `deadline` on. Ends only when the queue is closed and empty.
    pub(super) async fn give_up(&mut self, deadline: Instant, reason: &str) {
        tokio::time::sleep_until(deadline).await;
        self.refuse_all(reason).await;
    }

    /// Refuses what comes until the queue is closed and empty.
    pub(super) async fn refuse_all(&mut self, reason: &str) {
        loop {
            let batch = self.take(REFUSED_AT_ONCE).await;
            if batch.is_empty() {
                return;
            }
            for request in batch {
                request.answer(Err(AppendError::Unavailable(reason.to_owned())));
            }
        }
    }
}
