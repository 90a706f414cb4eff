//! What others append: a subscription of the log, with somebody who watches it.
//!
//! Invariants: what is here was seen in the order of the log and once; a subscription that ends, fails or falls silent while
//! there is something to say is dropped, and the next one goes on where this one was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_log::{ReadError, RecordedEvent};
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, ClientError, Signal};
use crate::delivery::Delivery;
use crate::envelope::{self, Opened};
use crate::reader::Reader;

pub(crate) struct Follower<C> {
    pub(crate) delivery: Arc<Delivery<C>>,
    pub(crate) reader: Reader<C>,
    pub(crate) epoch: Arc<AtomicU64>,
    /// Everything up to this event was seen.
    pub(crate) at: u64,
    /// Whether that is known. An engine that was away at the start is followed from where it ends when it is there.
    pub(crate) is_placed: bool,
}

/// Why a subscription is over.
#[derive(Debug, Error)]
enum Over {
    #[error("the engine ended it")]
    Ended,
    #[error("it was silent, though the log has grown")]
    Silent,
    #[error(transparent)]
    Failed(#[from] ClientError),
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

impl<C: Client> Follower<C> {
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        // What others append would be overlooked from then on.
        let _fatal = cancel.clone().drop_guard();
        cancel.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        let (shortest, longest) = self.delivery.limits.retry;
        while !self.is_placed {
            match self.reader.head().await {
                Ok(last) => self.begin_after(last),
                Err(error) => {
                    tracing::warn!(%error, "the log's engine is away");
                    tokio::time::sleep(longest).await;
                }
            }
        }
        let mut pause = shortest;
        loop {
            let begun_at = self.at;
            let over = self.listen().await;
            tracing::warn!(reason = %over, after = self.at, "a subscription of the log is over, another one begins");
            pause = if self.at > begun_at {
                shortest
            } else {
                (pause * 2).min(longest)
            };
            tokio::time::sleep(pause).await;
            // An engine that takes no subscriptions can still be read.
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, after = self.at, "cannot follow the log");
            }
        }
    }

    /// One subscription. Returns why it is over.
    async fn listen(&mut self) -> Over {
        let subscribing = timeout(self.delivery.limits.call_limit, self.reader.client.subscribe(self.at));
        let mut subscription = match subscribing.await {
            Ok(Ok(subscription)) => subscription,
            Ok(Err(error)) => return error.into(),
            Err(_) => return Over::Silent,
        };
        loop {
            let outcome = match timeout(self.delivery.limits.silence, subscription.next()).await {
                Ok(Some(Ok(Signal::Event(found)))) => envelope::open(found).map(|opened| self.see(&opened)),
                Ok(Some(Ok(Signal::Passed(_)))) => Ok(()),
                Ok(Some(Err(error))) => return error.into(),
                Ok(None) => return Over::Ended,
                Err(_) => match self.catch_up().await {
                    Ok(false) => Ok(()),
                    Ok(true) => return Over::Silent,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = outcome {
                return error.into();
            }
        }
    }

    /// Reads up to the end of the log. Says whether there was anything.
    async fn catch_up(&mut self) -> Result<bool, ReadError> {
        let begun_at = self.at;
        let limit = self.delivery.limits.page;
        loop {
            let page = self.reader.opened_after(self.at, limit).await?;
            for opened in &page {
                self.see(opened);
            }
            if page.len() < limit {
                return Ok(self.at > begun_at);
            }
        }
    }

    fn begin_after(&mut self, last: Option<RecordedEvent>) {
        if let Some(last) = last {
            self.at = last.position;
            let micros = last.recorded_at.timestamp_micros();
            self.delivery.latest.fetch_max(micros, Ordering::AcqRel);
        }
        // Others may have appended since whoever reads here has begun.
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.delivery.reached(self.at);
        self.is_placed = true;
    }

    fn see(&mut self, Opened { event, writer }: &Opened) {
        if event.position <= self.at {
            return;
        }
        if *writer != self.delivery.writer {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.at = event.position;
        self.delivery.reached(self.at);
    }
}
