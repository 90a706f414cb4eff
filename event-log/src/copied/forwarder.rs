//! Hands appends on to the other log, and answers them when the copy has them.
//!
//! Whoever is answered, with success or not, finds in the copy what the answer rests on.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::places::{Place, Places};
use crate::pipeline::{Outcome, Pending, Request};
use crate::{AppendError, Appended, EventLog, PostgresLog};

/// Looks into the copy for what another process copies, and the pause between them.
const LOOKS: u32 = 10;
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// How long a refusal waits for the copy to hold what it rests on.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct Forwarder {
    pub(super) source: Arc<dyn EventLog>,
    pub(super) copy: Arc<PostgresLog>,
    pub(super) places: Arc<Places>,
    /// Appends that may be under way.
    pub(super) most: usize,
    /// How long the copy may take.
    pub(super) patience: Duration,
    /// When everything that was in the other log by then was last seen to be copied.
    pub(super) settled: tokio::sync::Mutex<Option<Instant>>,
}

impl Forwarder {
    pub(super) async fn run(self, mut requests: mpsc::Receiver<Request>, cancel: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        let mut is_closing = false;
        loop {
            tokio::select! {
                biased;
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                () = cancel.cancelled(), if !is_closing => {
                    requests.close();
                    is_closing = true;
                }
                request = requests.recv(), if under_way.len() < self.most => match request {
                    Some(request) => match self.source.reserve() {
                        Ok(permit) => under_way.push(self.follow(request.forward(permit), request)),
                        Err(error) => request.answer(Err(error)),
                    },
                    None => break,
                },
            }
        }
        while under_way.next().await.is_some() {}
    }

    async fn follow(&self, pending: Pending, request: Request) {
        let outcome = match pending.await {
            Ok(appended) => self.copied(&request, appended).await,
            Err(error) => {
                request.break_off();
                self.settle().await;
                Err(error)
            }
        };
        request.answer(outcome);
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
        let place = place.ok_or_else(|| AppendError::Unavailable("it is recorded, but not yet to be read".to_owned()));
        place.map(|position| Appended {
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
    /// ground as before.
    async fn settle(&self) {
        let asked = Instant::now();
        let mut settled = self.settled.lock().await;
        if settled.is_some_and(|settled| settled >= asked) {
            return;
        }
        let begun = Instant::now();
        let mut reached = self.places.reached();
        let settle = async {
            let head = self.source.head().await.ok()?;
            reached.wait_for(|reached| *reached >= head.position).await.ok()?;
            Some(())
        };
        if matches!(timeout(SETTLE_LIMIT, settle).await, Ok(Some(()))) {
            *settled = Some(begun);
        } else {
            debug!("a refusal was answered before the copy had what it rests on");
        }
    }
}
