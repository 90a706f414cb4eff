//! The appends on their way: per stream one after another, of different streams at once.
//!
//! Invariants: a stream has one append under way; what is enqueued for a stream is judged in that order; what follows
//! without a gap in a stream's line is sent together.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use event_log::StreamId;
use event_log::pipeline::Request;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::delivery::{Delivery, Waiting};

/// Bytes of payload that are sent to a stream at once, unless a single append has more. The engine takes 1 MiB with all.
const RUN_BYTES: usize = 256 << 10;

pub(crate) struct Lanes<C> {
    delivery: Arc<Delivery<C>>,
    requests: mpsc::Receiver<Request>,
    /// Those that wait behind one of their stream, too.
    lines: HashMap<StreamId, VecDeque<Waiting>>,
    /// Streams whose line is not under way.
    ready: VecDeque<StreamId>,
    waiting: usize,
    waiting_max: usize,
    under_way: JoinSet<(StreamId, Vec<Waiting>)>,
}

impl<C: Client> Lanes<C> {
    pub(crate) fn new(delivery: Arc<Delivery<C>>, requests: mpsc::Receiver<Request>, waiting_max: usize) -> Self {
        Self {
            delivery,
            requests,
            lines: HashMap::new(),
            ready: VecDeque::new(),
            waiting: 0,
            waiting_max,
            under_way: JoinSet::new(),
        }
    }

    /// Until it is cancelled and nothing is left, or nobody can append any more.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        // A process whose appends go nowhere must not go on as if it had a log.
        let fatal = cancel.clone().drop_guard();
        let mut is_open = true;
        while is_open || !self.lines.is_empty() {
            tokio::select! {
                () = cancel.cancelled(), if is_open => self.requests.close(),
                request = self.requests.recv(), if is_open && self.waiting < self.waiting_max => match request {
                    Some(request) => self.line_up(request),
                    None => is_open = false,
                },
                Some(done) = self.under_way.join_next() => match done {
                    Ok((stream, left)) => self.resume(stream, left),
                    // Who waits is told so, when the lines are dropped.
                    Err(error) => {
                        tracing::error!(%error, "an append panicked");
                        return;
                    }
                },
            }
            self.send();
        }
        fatal.disarm();
    }

    fn line_up(&mut self, request: Request) {
        self.waiting += 1;
        let stream = request.append().stream.clone();
        let line = self.lines.entry(stream.clone()).or_insert_with(|| {
            self.ready.push_back(stream);
            VecDeque::new()
        });
        line.push_back(Waiting::new(request));
    }

    fn resume(&mut self, stream: StreamId, left: Vec<Waiting>) {
        let Some(line) = self.lines.get_mut(&stream) else {
            return;
        };
        self.waiting += left.len();
        for request in left.into_iter().rev() {
            line.push_front(request);
        }
        if line.is_empty() {
            self.lines.remove(&stream);
        } else {
            self.ready.push_back(stream);
        }
    }

    fn send(&mut self) {
        while self.under_way.len() < self.delivery.limits.in_flight {
            let Some(stream) = self.ready.pop_front() else { return };
            let Some(line) = self.lines.get_mut(&stream) else {
                continue;
            };
            let run = take_run(line, self.delivery.limits.run);
            self.waiting -= run.len();
            let delivery = Arc::clone(&self.delivery);
            self.under_way.spawn(async move {
                let left = delivery.deliver(run).await;
                (stream, left)
            });
        }
    }
}

/// What stands first in a line, and whatever goes on where it ends.
fn take_run(line: &mut VecDeque<Waiting>, events_max: usize) -> Vec<Waiting> {
    let mut run = Vec::new();
    let (mut events, mut bytes, mut version) = (0, 0, 0);
    while let Some(next) = line.front() {
        let append = next.request.append();
        events += append.events.len();
        bytes += append
            .events
            .iter()
            .map(|event| event.payload.len() + append.metadata.len())
            .sum::<usize>();
        let goes_on = append.expected_version == version && events <= events_max && bytes <= RUN_BYTES;
        if !run.is_empty() && !goes_on {
            break;
        }
        version = append.expected_version + append.events.len() as u64;
        run.extend(line.pop_front());
    }
    run
}
