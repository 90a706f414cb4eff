//! The loop that carries a subscriber along the log.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::source::{self, Ahead, Found, Page};
use super::way::Way;
use super::{Progress, Recorded, Subscriber, SubscriberError, checkpoint};
use crate::jitter::{BackOff, jitter};
use crate::postgres::is_transient;
use crate::{Clock as _, EventLog, Head, ReadError, SystemClock};

const PAGE: usize = 5000;
/// A crash may take the last commits of a subscriber: its tables and its checkpoint go together, and the pages are done
/// again. Whatever rests on them and must last (an append, a finished job) commits durably, and all before it with it.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";
/// Wakes those whom no one wakes: the log may be written by another process.
const SLOW_POLL: Duration = Duration::from_millis(500);
/// How long a checkpoint may stay behind while nothing concerns its subscriber.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(100);
/// A page is followed by the next no sooner than this after it began, for each event in it, but never longer than its
/// subscriber allows. A wait shorter than `GATHER_LEAST` is none: timers count milliseconds.
const GATHER_PER_EVENT: Duration = Duration::from_micros(500);
const GATHER_LEAST: Duration = Duration::from_millis(2);
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
        let mut way = Way::from(self.unless_cancelled(self.resume()).await??);
        loop {
            let began = Instant::now();
            // Registered before looking, so that nothing is appended unnoticed in between.
            wake.mark_unchanged();
            let is_news = *wake.borrow() > way.at.position;
            let Some(page) = self.unless_cancelled(self.next_page(&mut way, is_news)).await?? else {
                self.rest(&mut way, &mut wake).await?;
                continue;
            };
            self.fall_behind(&page).await?;
            let (taken, ahead) = tokio::join!(self.take_in(&mut way, &page), self.read_ahead(&page));
            taken?;
            way.ahead = ahead;
            self.progress.set(way.at.position);
            self.measure(&page);
            back_off.reset();
            self.let_gather(began, &page).await?;
        }
    }

    /// What follows, if anything does. The first page comes from the database, so that what is wrong there is seen.
    async fn next_page(&self, way: &mut Way, is_news: bool) -> Result<Option<Page>, Halt> {
        let after = way.at.position;
        let events = match way.ahead.take() {
            Some(ahead) if ahead.after == after => ahead.events,
            _ => {
                if way.has_begun {
                    match source::recent(&*self.log, after, PAGE) {
                        Found::Page(page) => return Ok(Some(page)),
                        Found::Nothing if !is_news && !way.is_doubtful => return Ok(None),
                        Found::Nothing | Found::Unknown => {}
                    }
                }
                self.log.read_all(after, PAGE).await
            }
        };
        way.has_begun = true;
        way.is_doubtful = false;
        let events = events.map_err(|error| self.unread(error))?;
        let promised = self.log.capabilities();
        source::stored(self.name(), after, &events, (PAGE, promised)).map_err(Halt::Fatal)
    }

    /// Reads on while a page is taken in, if there is more where it came from.
    async fn read_ahead(&self, page: &Page) -> Option<Ahead> {
        if page.committed_at.is_some() || !page.is_full {
            return None;
        }
        let after = page.to.position;
        let events = self.cancel.run_until_cancelled(self.log.read_all(after, PAGE)).await?;
        Some(Ahead { after, events })
    }

    /// Waits for news; a checkpoint that was left behind is stored meanwhile. One that a crashed database has lost, with the
    /// pages before it, is seen here: nobody would wake us for them.
    async fn rest(&self, way: &mut Way, wake: &mut watch::Receiver<u64>) -> Result<(), Halt> {
        let limit = if way.is_stored() { SLOW_POLL } else { CHECKPOINT_PAUSE };
        if self.unless_cancelled(woken(wake, limit)).await? {
            return Ok(());
        }
        way.is_doubtful = true;
        if !way.is_stored() {
            self.transact(way.stored, way.at, None).await?;
            self.store(way);
        } else if self.unless_cancelled(self.load_checkpoint()).await?? != way.stored {
            return Err(Halt::Overtaken);
        }
        Ok(())
    }

    /// Waits until a page is as old as the subscriber wants it. A clock that jumped is not waited for.
    async fn fall_behind(&self, page: &Page) -> Result<(), Halt> {
        let distance = self.subscriber.follows_behind();
        if distance.is_zero() {
            return Ok(());
        }
        let age = page
            .ended_at()
            .and_then(|ended_at| (SystemClock.now() - ended_at).to_std().ok());
        match age.and_then(|age| distance.checked_sub(age)) {
            Some(wait) => self.unless_cancelled(tokio::time::sleep(wait)).await,
            None => Ok(()),
        }
    }

    /// Under load, pages are let grow: fewer and larger ones cost less. Who takes in an event now and then never waits.
    async fn let_gather(&self, began: Instant, page: &Page) -> Result<(), Halt> {
        let count = u32::try_from(page.events.len()).unwrap_or(u32::MAX);
        let pause = GATHER_PER_EVENT
            .saturating_mul(count)
            .min(self.subscriber.gathers_for());
        if page.is_full || pause < GATHER_LEAST {
            return Ok(());
        }
        self.unless_cancelled(tokio::time::sleep_until(began + pause)).await
    }

    /// How long the event that waited longest in this page was committed before it was shown.
    fn measure(&self, page: &Page) {
        let by_clock = || page.begun_at().and_then(|at| (SystemClock.now() - at).to_std().ok());
        let lag = page.committed_at.map(|at| at.elapsed()).or_else(by_clock);
        metrics::histogram!("projection_lag_seconds", "view" => self.name().to_owned())
            .record(lag.unwrap_or_default().as_secs_f64());
    }

    async fn unless_cancelled<T>(&self, step: impl Future<Output = T>) -> Result<T, Halt> {
        self.cancel.run_until_cancelled(step).await.ok_or(Halt::Cancelled)
    }

    async fn load_checkpoint(&self) -> Result<Head, Halt> {
        let acquire = tokio::time::timeout(PAGE_LIMIT, self.pool.acquire()).await;
        let acquired = acquire.map_err(|_| Halt::Transient("no connection in time".to_owned()))?;
        let mut connection = acquired.map_err(|error| away(&error))?;
        let load = checkpoint::load(&mut connection, self.name(), self.subscriber.version());
        match tokio::time::timeout(PAGE_LIMIT, load).await {
            Ok(loaded) => loaded.map_err(|source| self.unkept(source)),
            Err(_) => Err(Halt::Transient("the checkpoint took too long".to_owned())),
        }
    }

    /// Finds the checkpoint, and makes sure that the log still holds what was seen there.
    async fn resume(&self) -> Result<Head, Halt> {
        let at = self.load_checkpoint().await?;
        if at.position > 0 {
            let seen = self.log.read_at(&[at.position]).await;
            let seen = seen.map_err(|error| self.unread(error))?;
            let is_same = seen.first().is_some_and(|event| event.hash == at.hash);
            if !is_same {
                return Err(Halt::Fatal(SubscriptionError::Forked {
                    name: self.name().to_owned(),
                    position: at.position,
                }));
            }
        }
        self.progress.set(at.position);
        self.progress.store(at.position);
        Ok(at)
    }

    /// A page with nothing in it for this subscriber costs no transaction, but now and then a checkpoint.
    async fn take_in(&self, way: &mut Way, page: &Page) -> Result<(), Halt> {
        let is_concerned = page.events.iter().any(|event| self.subscriber.concerns(&event.event));
        way.at = page.to;
        if is_concerned {
            self.transact(way.stored, page.to, Some(&page.events)).await?;
            self.store(way);
        } else if way.stored_at.elapsed() >= CHECKPOINT_PAUSE {
            self.transact(way.stored, page.to, None).await?;
            self.store(way);
        }
        Ok(())
    }

    fn store(&self, way: &mut Way) {
        way.store();
        self.progress.store(way.stored.position);
    }

    async fn transact(&self, from: Head, to: Head, page: Option<&[Arc<Recorded>]>) -> Result<(), Halt> {
        let begin = self.unless_cancelled(pooling::begin_with(&self.pool, BEGIN)).await?;
        let mut transaction = begin.map_err(|error| away(&error))?;
        let handled = tokio::time::timeout(PAGE_LIMIT, self.handle(from, to, page, &mut transaction));
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
        page: Option<&[Arc<Recorded>]>,
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
        let Some(page) = page else { return Ok(()) };
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

/// Waits for news, and says whether there are any. A log that stopped wakes nobody; then only the time counts.
async fn woken(wake: &mut watch::Receiver<u64>, limit: Duration) -> bool {
    match tokio::time::timeout(limit, wake.changed()).await {
        Ok(Ok(())) => true,
        Ok(Err(_)) => {
            tokio::time::sleep(limit).await;
            false
        }
        Err(_) => false,
    }
}

/// Whoever cannot connect waits, whatever the reason: it is never the fault of what was to be done.
fn away(error: &sqlx::Error) -> Halt {
    Halt::Transient(error.to_string())
}
