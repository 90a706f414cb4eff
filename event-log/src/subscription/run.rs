//! The loop that carries a subscriber along the log.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Progress, Recorded, Subscriber, SubscriberError, checkpoint, page};
use crate::jitter::{BackOff, jitter};
use crate::postgres::is_transient;
use crate::{EventLog, Head, ReadError, RecordedEvent};

const PAGE: usize = 5000;
/// A crash may take the last commits of a subscriber: its tables and its checkpoint go together, and the pages are done
/// again. Whatever rests on them and must last (an append, a finished job) commits durably, and all before it with it.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";
/// Wakes those whom no one wakes: the log may be written by another process.
const SLOW_POLL: Duration = Duration::from_millis(500);
const BACK_OFF_FIRST: Duration = Duration::from_millis(50);
const BACK_OFF_LONGEST: Duration = Duration::from_secs(2);
/// How long the end of a transaction may take. A commit is waited for even when the subscription is cancelled.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// How long a page may take, with everything the subscriber does for it.
const PAGE_LIMIT: Duration = Duration::from_mins(1);

/// Why a subscription stopped for good. None of these is skipped: somebody has to look.
#[derive(Debug, Error)]
pub enum SubscriptionError {
    /// The log no longer holds what this subscriber has seen: it lost its tail, or was restored from a backup.
    #[error("the log was forked behind {name} at position {position}")]
    Forked { name: String, position: u64 },
    #[error("{name} expected position {expected}, the log went on with {found}")]
    Gap { name: String, expected: u64, found: u64 },
    #[error("{name} cannot read the event at position {position}")]
    Undecodable {
        name: String,
        position: u64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{name} failed on the page after position {after}")]
    Subscriber {
        name: String,
        after: u64,
        #[source]
        source: SubscriberError,
    },
    #[error("the checkpoint of {name} cannot be kept")]
    Checkpoint {
        name: String,
        #[source]
        source: sqlx::Error,
    },
}

/// Follows the log until cancelled. Waits for a database that is away; stops at what must not be skipped.
///
/// When it returns, no transaction of its own is open, and the checkpoint stays where it is.
pub async fn run(
    log: Arc<dyn EventLog>,
    pool: PgPool,
    subscriber: Arc<dyn Subscriber>,
    progress: Progress,
    cancel: CancellationToken,
) -> Result<(), SubscriptionError> {
    let follower = Follower {
        log,
        pool,
        subscriber,
        progress,
        cancel,
    };
    let mut back_off = BackOff::new(BACK_OFF_FIRST, BACK_OFF_LONGEST);
    loop {
        let pause = match follower.follow(&mut back_off).await {
            Halt::Cancelled => return Ok(()),
            Halt::Fatal(error) => return Err(error),
            Halt::Overtaken => jitter(SLOW_POLL),
            Halt::Transient(reason) => {
                warn!(
                    subscriber.name = follower.name(),
                    "a subscription has to wait: {reason}"
                );
                back_off.pause()
            }
        };
        if follower.unless_cancelled(tokio::time::sleep(pause)).await.is_err() {
            return Ok(());
        }
    }
}

/// What ended a stretch of the way.
enum Halt {
    Cancelled,
    Fatal(SubscriptionError),
    /// The database is away or busy: again, after a pause.
    Transient(String),
    /// Somebody else moved the checkpoint: look again where it is.
    Overtaken,
}

struct Follower {
    log: Arc<dyn EventLog>,
    pool: PgPool,
    subscriber: Arc<dyn Subscriber>,
    progress: Progress,
    cancel: CancellationToken,
}

impl Follower {
    async fn follow(&self, back_off: &mut BackOff) -> Halt {
        match self.walk(back_off).await {
            Ok(never) => match never {},
            Err(halt) => halt,
        }
    }

    async fn walk(&self, back_off: &mut BackOff) -> Result<Infallible, Halt> {
        let mut wake = self.log.wake();
        let mut at = self.unless_cancelled(self.resume()).await??;
        loop {
            // Registered before looking, so that nothing is appended unnoticed in between.
            wake.mark_unchanged();
            let events = self.unless_cancelled(self.log.read_all(at.position, PAGE)).await?;
            let events = events.map_err(|error| self.unread(error))?;
            let Some(last) = events.last() else {
                self.unless_cancelled(woken(&mut wake)).await?;
                continue;
            };
            let to = Head {
                position: last.position,
                hash: last.hash,
            };
            self.take_in(at, to, &events).await?;
            at = to;
            self.progress.set(at.position);
            back_off.reset();
        }
    }

    async fn unless_cancelled<T>(&self, step: impl Future<Output = T>) -> Result<T, Halt> {
        self.cancel.run_until_cancelled(step).await.ok_or(Halt::Cancelled)
    }

    /// Finds the checkpoint, and makes sure that the log still holds what was seen there.
    async fn resume(&self) -> Result<Head, Halt> {
        let acquire = tokio::time::timeout(PAGE_LIMIT, self.pool.acquire()).await;
        let acquired = acquire.map_err(|_| Halt::Transient("no connection in time".to_owned()))?;
        let mut connection = acquired.map_err(|error| away(&error))?;
        let load = checkpoint::load(&mut connection, self.name(), self.subscriber.version());
        let at = match tokio::time::timeout(PAGE_LIMIT, load).await {
            Ok(loaded) => loaded.map_err(|source| self.unkept(source))?,
            Err(_) => return Err(Halt::Transient("the checkpoint took too long".to_owned())),
        };
        drop(connection);
        if at.position > 0 {
            let seen = self.log.read_all(at.position - 1, 1).await;
            let seen = seen.map_err(|error| self.unread(error))?;
            let is_same = seen
                .first()
                .is_some_and(|event| event.position == at.position && event.hash == at.hash);
            if !is_same {
                return Err(Halt::Fatal(SubscriptionError::Forked {
                    name: self.name().to_owned(),
                    position: at.position,
                }));
            }
        }
        self.progress.set(at.position);
        Ok(at)
    }

    async fn take_in(&self, from: Head, to: Head, events: &[RecordedEvent]) -> Result<(), Halt> {
        let page = page::decode(self.name(), from.position, events).map_err(Halt::Fatal)?;
        let begin = self.unless_cancelled(self.pool.begin_with(BEGIN)).await?;
        let mut transaction = begin.map_err(|error| away(&error))?;
        let handled = tokio::time::timeout(PAGE_LIMIT, self.handle(from, to, &page, &mut transaction));
        let outcome = match self.unless_cancelled(handled).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Halt::Transient(format!(
                "the page after position {} took too long",
                from.position
            ))),
            Err(halt) => Err(halt),
        };
        match outcome {
            Ok(()) => match tokio::time::timeout(COMMIT_LIMIT, transaction.commit()).await {
                Ok(committed) => committed.map_err(|source| self.unkept(source)),
                Err(_) => Err(Halt::Transient("the commit took too long".to_owned())),
            },
            Err(halt) => {
                // Dropped, it would be rolled back some time later. If that fails, the connection is gone, and it with it.
                let _ = tokio::time::timeout(COMMIT_LIMIT, transaction.rollback()).await;
                Err(halt)
            }
        }
    }

    async fn handle(
        &self,
        from: Head,
        to: Head,
        page: &[Arc<Recorded>],
        transaction: &mut PgConnection,
    ) -> Result<(), Halt> {
        // The checkpoint first: its row keeps everybody else out of this subscriber's tables until the commit.
        let key = (self.name(), self.subscriber.version());
        let is_mine = checkpoint::advance(transaction, key, from, to)
            .await
            .map_err(|source| self.unkept(source))?;
        if !is_mine {
            return Err(Halt::Overtaken);
        }
        let handled = self.subscriber.handle(page, transaction).await;
        handled.map_err(|source| self.unhandled(from.position, source))
    }

    fn name(&self) -> &str {
        self.subscriber.name()
    }

    fn unkept(&self, source: sqlx::Error) -> Halt {
        if is_transient(&source) {
            return Halt::Transient(source.to_string());
        }
        Halt::Fatal(SubscriptionError::Checkpoint {
            name: self.name().to_owned(),
            source,
        })
    }

    fn unhandled(&self, after: u64, source: SubscriberError) -> Halt {
        if source.is_transient() {
            return Halt::Transient(source.to_string());
        }
        Halt::Fatal(SubscriptionError::Subscriber {
            name: self.name().to_owned(),
            after,
            source,
        })
    }

    fn unread(&self, error: ReadError) -> Halt {
        match error {
            ReadError::Unavailable(source) => Halt::Transient(source.to_string()),
            ReadError::Corrupt { position, .. } => Halt::Fatal(SubscriptionError::Undecodable {
                name: self.name().to_owned(),
                position,
                source: Box::new(error),
            }),
        }
    }
}

/// Waits for news. A log that stopped wakes nobody; then only the time counts.
async fn woken(wake: &mut watch::Receiver<u64>) {
    let is_woken = tokio::time::timeout(SLOW_POLL, wake.changed()).await;
    if matches!(is_woken, Ok(Err(_))) {
        tokio::time::sleep(SLOW_POLL).await;
    }
}

/// Whoever cannot connect waits, whatever the reason: it is never the fault of what was to be done.
fn away(error: &sqlx::Error) -> Halt {
    Halt::Transient(error.to_string())
}
