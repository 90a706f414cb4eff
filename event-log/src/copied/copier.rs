//! The one task that copies: reads the other log in its order, and appends what it finds to the database.
//!
//! Invariants:
//! - Only the process that leads the database's log copies, and each event is recorded at the one place that it has in the
//!   copy, or not at all: whatever fails, nothing of what comes after it is recorded.
//! - Nothing is copied before everything that the copy holds beyond what was written down of it was found in the other log.
//! - The copy of an event is made of that event and of those before it alone: whoever copies the other log again, from its
//!   beginning and in another database, gets the same positions, times and hashes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::epochs::Epochs;
use super::kinds::kind;
use super::origin;
use super::places::Places;
use super::reached::Reached;
use crate::jitter::BackOff;
use crate::leader::{self, Leader};
use crate::pipeline::Permit;
use crate::postgres::Fork;
use crate::{AppendError, EventLog, NewEvent, PostgresLog, ReadError, RecordedEvent, StreamAppend, StreamId};

/// How often the other log is looked at though nothing says that it grew.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// How long the copy may be ahead of what is written down of it.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// It is written down where copying stops, too, if that takes no longer.
const KEEP_LIMIT: Duration = Duration::from_secs(2);
/// An engine of several nodes may answer by one that is behind: what it does not show for so long is lost.
const LAG_LIMIT: Duration = Duration::from_secs(3);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// The pause when the database's queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(2);

pub(super) struct Copier {
    pub(super) source: Arc<dyn EventLog>,
    pub(super) copy: Arc<PostgresLog>,
    pub(super) places: Arc<Places>,
    pub(super) epochs: Arc<Epochs>,
    /// Whether everything that others appended is copied since this process leads.
    pub(super) is_ready: watch::Sender<bool>,
    pub(super) cancel: CancellationToken,
}

/// Why copying stops for a while.
#[derive(Debug, Error)]
pub(super) enum Stop {
    #[error("the process ends")]
    Told,
    /// This process does not lead any more.
    #[error("another process copies")]
    Over,
    #[error("{0}")]
    Trouble(String),
    #[error("the database has a log of its own, and is no copy of this one")]
    OwnLog,
    #[error("what was copied is not what the log holds: {0}")]
    Forked(Fork),
    /// It may be lost, or not shown yet.
    #[error("the log does not show what was copied of it: {0}")]
    Missing(Fork),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Trouble(match error {
            ReadError::Unavailable(source) => format!("a log cannot be read: {source}"),
            corrupt @ ReadError::Corrupt { .. } => corrupt.to_string(),
        })
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Trouble(format!("the copy's database: {error}"))
    }
}

/// Whatever ends the task, nothing is taken afterwards.
struct Unready(watch::Sender<bool>);

impl Drop for Unready {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl Copier {
    /// Leads whenever it can, until it is cancelled.
    pub(super) async fn run(self, process: CancellationToken) {
        // A process that copies no more must not go on taking commands, and not keep the lead either.
        let _fatal = (self.cancel.clone().drop_guard(), process.drop_guard());
        let _unready = Unready(self.is_ready.clone());
        let mut back_off = BackOff::new(RETRY_FIRST, RETRY_LONGEST);
        // In one stretch without a copy that is whole.
        let mut missing_since = None;
        // The fork that was said by this task.
        let mut alarm = None;
        while !self.cancel.is_cancelled() {
            if self.uncancelled(leader::on_duty(&*self.copy)).await.is_err() {
                break;
            }
            let began = Instant::now();
            let Err(stop) = self.copy_while_leading().await;
            if self.is_ready.send_replace(false) {
                missing_since = None;
            }
            match stop {
                Stop::Told => break,
                Stop::Over => {
                    info!("{stop}");
                    missing_since = None;
                    self.end_alarm(alarm.take().as_ref());
                }
                Stop::OwnLog => error!("{stop}"),
                Stop::Trouble(_) => warn!("the log is not copied for the moment: {stop}"),
                Stop::Forked(fork) => alarm = Some(self.alarm(fork)),
                Stop::Missing(fork) => {
                    if missing_since.get_or_insert_with(Instant::now).elapsed() < LAG_LIMIT {
                        warn!("the log is not copied for the moment: it does not show what was copied: {fork}");
                    } else {
                        alarm = Some(self.alarm(fork));
                    }
                }
            }
            if began.elapsed() > RETRY_LONGEST {
                back_off.reset();
            }
            let _ = self.uncancelled(tokio::time::sleep(back_off.pause())).await;
        }
    }

    async fn uncancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.cancel.run_until_cancelled(work).await.ok_or(Stop::Told)
    }

    fn alarm(&self, fork: Fork) -> Fork {
        error!("{fork}: the database is no copy of this log");
        self.copy.set_fork(Some(fork.clone()));
        fork
    }

    /// Another process copies now, and will say so if it finds the same.
    fn end_alarm(&self, alarm: Option<&Fork>) {
        if alarm.is_some() && self.copy.fork().as_ref() == alarm {
            self.copy.set_fork(None);
        }
    }

    async fn copy_while_leading(&self) -> Result<Infallible, Stop> {
        let mut reached = self.uncancelled(self.resume()).await??;
        let Err(stop) = self.uncancelled(self.go_on(&mut reached)).await.flatten();
        // Otherwise the database may be another one by now, with less in it; more is compared then. So it is if this fails.
        if matches!(stop, Stop::Told) {
            let _ = tokio::time::timeout(KEEP_LIMIT, origin::keep(self.copy.pool(), reached.at)).await;
        }
        Err(stop)
    }

    async fn go_on(&self, reached: &mut Reached) -> Result<Infallible, Stop> {
        let (mut kept, mut kept_at) = (reached.at, Instant::now());
        let (mut wake, mut leader) = (self.source.wake(), self.copy.leader());
        let mut epoch = None;
        loop {
            if *leader.borrow_and_update() != Leader::Here {
                return Err(Stop::Over);
            }
            wake.borrow_and_update();
            let epoch_before = self.source.epoch();
            let page = self.read_on(reached).await?;
            self.epochs.begin(&page.events, self.source.epoch() != epoch);
            self.copy(&page.events, reached).await?;
            self.epochs.end(&page.events);
            // Whatever ended it since may be about an event that comes with the next page.
            epoch = epoch_before;
            let at = reached.at;
            if kept.position < at.position && (kept_at.elapsed() >= KEEP_EVERY || !*self.is_ready.borrow()) {
                origin::keep(self.copy.pool(), at).await?;
                (kept, kept_at) = (at, Instant::now());
            }
            if page.is_full {
                continue;
            }
            if !*self.is_ready.borrow() {
                self.is_whole().await?;
                self.epochs.turn();
                self.copy.set_fork(None);
                self.is_ready.send_replace(true);
                info!(log.position = at.position, "everything that the log holds is copied");
            }
            tokio::select! {
                Ok(()) = wake.changed() => {}
                Ok(()) = leader.changed() => {}
                () = tokio::time::sleep(IDLE_LOOK) => {}
            }
        }
    }

    async fn copy(&self, page: &[RecordedEvent], reached: &mut Reached) -> Result<(), Stop> {
        let mut under_way = Vec::with_capacity(page.len());
        let mut stop = None;
        for (event, place) in page.iter().zip(reached.place + 1..) {
            match self.permit().await {
                Ok(permit) => under_way.push((event, permit.enqueue_at(append(event)?, event.recorded_at, place))),
                Err(error) => {
                    stop = Some(error);
                    break;
                }
            }
        }
        for (event, pending) in under_way {
            let appended = pending.await.map_err(|error| Stop::Trouble(error.to_string()))?;
            reached.advance(event, appended.position);
            self.places.put(event.position, appended.position);
        }
        stop.map_or(Ok(()), Err)
    }

    async fn permit(&self) -> Result<Permit, Stop> {
        loop {
            match self.copy.reserve() {
                Ok(permit) => return Ok(permit),
                Err(AppendError::Overloaded) => tokio::time::sleep(FULL_PAUSE).await,
                Err(error) => return Err(Stop::Trouble(error.to_string())),
            }
        }
    }
}

pub(super) fn append(event: &RecordedEvent) -> Result<StreamAppend, Stop> {
    Ok(StreamAppend {
        stream: stream(event)?,
        expected_version: event.sequence - 1,
        events: vec![NewEvent {
            event_type: event.event_type.clone().into(),
            event_version: event.event_version.clone().into(),
            payload: event.payload.clone().into_bytes(),
        }],
        metadata: event.metadata.as_bytes().into(),
    })
}

pub(super) fn stream(event: &RecordedEvent) -> Result<StreamId, Stop> {
    Ok(StreamId {
        aggregate_type: kind(&event.aggregate_type)
            .ok_or_else(|| Stop::Trouble(format!("position {}: too many kinds of streams", event.position)))?,
        aggregate_id: event.aggregate_id.as_str().into(),
    })
}
