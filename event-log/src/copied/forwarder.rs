//! Hands appends on to the other log, and answers them when the copy has them.
//!
//! Invariants:
//! - Whoever is answered, with success or not, finds in the copy what the answer rests on, or an epoch ends when it gets there.
//! - Appends of one stream are answered in the order of the queue.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::epochs::Epochs;
use super::lines::{Lines, Turn};
use super::places::{Place, Places};
use crate::pipeline::{Outcome, Pending, Request};
use crate::{AppendError, Appended, EventLog, PostgresLog, StreamId};

/// Looks into the copy for what another process copies, and the pause between them.
const LOOKS: u32 = 10;
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long a refusal waits for the copy to hold what it rests on.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Forwarder {
    pub(super) source: Arc<dyn EventLog>,
    pub(super) copy: Arc<PostgresLog>,
    pub(super) places: Arc<Places>,
    pub(super) epochs: Arc<Epochs>,
    /// Appends that may be under way.
    pub(super) most: usize,
    /// How long the copy may take.
    pub(super) patience: Duration,
    /// When everything that was in the other log by then was last seen to be copied.
    pub(super) settled: tokio::sync::Mutex<Option<Instant>>,
}

impl Forwarder {
    /// Until it is cancelled and everything is answered; what lies `beneath` is needed until then.
    pub(super) async fn run(
        self,
        mut requests: mpsc::Receiver<Request>,
        cancel: CancellationToken,
        beneath: CancellationToken,
    ) {
        let _fatal = (cancel.clone().drop_guard(), beneath.drop_guard());
        let mut lines = Lines::default();
        let mut under_way = FuturesUnordered::new();
        let mut is_closing = false;
        loop {
            tokio::select! {
                biased;
                Some(stream) = under_way.next(), if !under_way.is_empty() => lines.leave(&stream),
                () = cancel.cancelled(), if !is_closing => {
                    requests.close();
                    is_closing = true;
                }
                request = requests.recv(), if under_way.len() < self.most => match request {
                    Some(request) => {
                        let turn = lines.join(&request.append().stream);
                        let pending = self.source.reserve().map(|permit| request.forward(permit));
                        under_way.push(self.follow(pending, request, turn));
                    }
                    None => break,
                },
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Returns whose line it was in.
    async fn follow(&self, pending: Result<Pending, AppendError>, request: Request, mut turn: Turn) -> StreamId {
        let outcome = match pending {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        let outcome = match outcome {
            Ok(appended) => self.copied(&request, appended).await,
            Err(error) => {
                request.break_off();
                self.await_grounds(&request, &error).await;
                Err(error)
            }
        };
        let stream = request.append().stream.clone();
        turn.comes().await;
        request.answer(outcome);
        stream
    }

    /// Returns when the copy has what the refusal rests on, or soon.
    async fn await_grounds(&self, request: &Request, error: &AppendError) {
        let append = request.append();
        match error {
            AppendError::Conflict { actual, .. } => {
                if !self.settle().await {
                    debug!("a refusal was answered before the copy had what it rests on");
                    self.epochs.doubt(&append.stream, *actual);
                }
            }
            // The other log is away: what is not known by now is not known soon. It may be recorded all the same.
            AppendError::Unavailable(_) => {
                let last = append.expected_version + append.events.len() as u64;
                self.epochs.doubt(&append.stream, last);
            }
            AppendError::Overloaded | AppendError::Cascade { .. } | AppendError::Rejected(_) => {}
        }
    }

    /// Where the copy has it, once it has it.
    async fn copied(&self, request: &Request, appended: Appended) -> Outcome {
        let Appended {
            last_sequence,
            position,
        } = appended;
        let place = match self.places.find(position) {
            Place::At(place) => Some(place),
            Place::Later(place) => timeout(self.patience, place).await.ok().and_then(Result::ok),
            Place::Past => None,
        };
        let place = match place {
            Some(place) => Some(place),
            None => self.look(request, last_sequence).await,
        };
        self.places.forget(position);
        let Some(position) = place else {
            self.epochs.doubt(&request.append().stream, last_sequence);
            let reason = "it is recorded, but not yet to be read";
            return Err(AppendError::Unavailable(reason.to_owned()));
        };
        Ok(Appended {
            last_sequence,
            position,
        })
    }

    async fn look(&self, request: &Request, sequence: u64) -> Option<u64> {
        let stream = &request.append().stream;
        for _ in 0..LOOKS {
            let found = self.copy.read_stream(stream, sequence - 1, 1).await.ok()?;
            if let Some(event) = found.first() {
                return Some(event.position);
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        None
    }

    /// Waits until the copy has what the other log holds by now, so that whoever loads again does not decide on the same
    /// ground as before. `false` if that takes too long.
    async fn settle(&self) -> bool {
        let asked = Instant::now();
        let settle = async {
            let mut settled = self.settled.lock().await;
            if settled.is_some_and(|settled| settled >= asked) {
                return Some(());
            }
            let begun = Instant::now();
            let mut reached = self.places.reached();
            let head = self.source.head().await.ok()?;
            reached.wait_for(|reached| *reached >= head.position).await.ok()?;
            *settled = Some(begun);
            Some(())
        };
        // One asks for all; whoever waits for the answer waits no longer for that.
        matches!(timeout(SETTLE_LIMIT, settle).await, Ok(Some(())))
    }
}
