//! The one task that copies: reads the other log in its order, and appends what it finds to the database.
//!
//! Invariants:
//! - Only the process that leads the database's log copies. What was copied twice, or by two processes at once, is refused
//!   by its sequence in its stream, and compared.
//! - The copy of an event is made of that event and of those before it alone: whoever copies the other log again, from its
//!   beginning and in another database, gets the same positions, times and hashes.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::kinds::kind;
use super::origin::{self, origin};
use super::places::Places;
use crate::jitter::BackOff;
use crate::leader::{self, Leader};
use crate::postgres::Fork;
use crate::{AppendError, EventLog, Head, NewEvent, PostgresLog, ReadError, RecordedEvent, StreamAppend, StreamId};

/// Events that are copied before the next are read.
const PAGE: usize = 1000;
/// How often the other log is looked at though nothing says that it grew.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// How long the copy may be ahead of what is written down of it.
const KEEP_EVERY: Duration = Duration::from_secs(1);
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);
/// The pause when the database's queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(2);

pub(super) struct Copier {
    pub(super) source: Arc<dyn EventLog>,
    pub(super) copy: Arc<PostgresLog>,
    pub(super) places: Arc<Places>,
    /// Whether everything that others appended is copied since this process leads.
    pub(super) is_ready: watch::Sender<bool>,
    pub(super) cancel: CancellationToken,
}

/// Why copying stops for a while.
#[derive(Debug, Error)]
pub(super) enum Stop {
    /// This process does not lead any more.
    #[error("another process copies")]
    Over,
    #[error("{0}")]
    Trouble(String),
    #[error("what was copied is not what the log holds: {0}")]
    Forked(Fork),
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

impl Copier {
    pub(super) async fn run(self) {
        let cancel = self.cancel.clone();
        cancel.run_until_cancelled(self.copy_always()).await;
    }

    async fn copy_always(self) {
        let mut back_off = BackOff::new(RETRY_FIRST, RETRY_LONGEST);
        loop {
            leader::on_duty(&*self.copy).await;
            let began = Instant::now();
            let Err(stop) = self.copy_while_leading().await;
            self.is_ready.send_replace(false);
            match stop {
                Stop::Over => info!("{stop}"),
                Stop::Trouble(_) => warn!("the log is not copied for the moment: {stop}"),
                Stop::Forked(fork) => {
                    error!("{fork}: the database is no copy of this log");
                    self.copy.set_fork(Some(fork));
                }
            }
            if began.elapsed() > RETRY_LONGEST {
                back_off.reset();
            }
            tokio::time::sleep(back_off.pause()).await;
        }
    }

    async fn copy_while_leading(&self) -> Result<std::convert::Infallible, Stop> {
        let mut at = origin(self.copy.pool()).await?.unwrap_or(Head::EMPTY);
        self.compare(at).await?;
        self.copy.set_fork(None);
        self.places.begin(at.position);
        let (mut kept, mut kept_at) = (at, Instant::now());
        let (mut wake, mut leader) = (self.source.wake(), self.copy.leader());
        loop {
            if *leader.borrow_and_update() != Leader::Here {
                return Err(Stop::Over);
            }
            wake.borrow_and_update();
            let page = self.source.read_all(at.position, PAGE).await?;
            self.copy(&page).await?;
            if let Some(last) = page.last() {
                at = Head {
                    position: last.position,
                    hash: last.hash,
                };
            }
            if kept.position < at.position && (kept_at.elapsed() >= KEEP_EVERY || !*self.is_ready.borrow()) {
                origin::keep(self.copy.pool(), at).await?;
                (kept, kept_at) = (at, Instant::now());
            }
            if page.len() == PAGE {
                continue;
            }
            if !self.is_ready.send_replace(true) {
                info!(log.position = at.position, "everything that the log holds is copied");
            }
            tokio::select! {
                Ok(()) = wake.changed() => {}
                Ok(()) = leader.changed() => {}
                () = tokio::time::sleep(IDLE_LOOK) => {}
            }
        }
    }

    /// Whether the other log still holds what was copied last.
    async fn compare(&self, seen: Head) -> Result<(), Stop> {
        if seen.position == 0 {
            return Ok(());
        }
        let found = self.source.read_at(&[seen.position]).await?;
        let found = found.first().map(|event| event.hash);
        if found == Some(seen.hash) {
            return Ok(());
        }
        Err(Stop::Forked(Fork { seen, found }))
    }

    async fn copy(&self, page: &[RecordedEvent]) -> Result<(), Stop> {
        let mut under_way = Vec::with_capacity(page.len());
        for event in page {
            let permit = loop {
                match self.copy.reserve() {
                    Ok(permit) => break permit,
                    Err(AppendError::Overloaded) => tokio::time::sleep(FULL_PAUSE).await,
                    Err(error) => return Err(Stop::Trouble(error.to_string())),
                }
            };
            under_way.push((event, permit.enqueue_copy(append(event)?, event.recorded_at)));
        }
        for (event, pending) in under_way {
            let place = match pending.await {
                Ok(appended) => appended.position,
                Err(AppendError::Conflict { actual, .. }) if actual >= event.sequence => {
                    self.copied_before(event).await?
                }
                Err(error) => return Err(Stop::Trouble(error.to_string())),
            };
            self.places.put(event.position, place);
        }
        Ok(())
    }

    /// The place of an event that the copy has already: this one, or the other log was replaced by another.
    async fn copied_before(&self, event: &RecordedEvent) -> Result<u64, Stop> {
        let stream = stream(event)?;
        let found = self.copy.read_stream(&stream, event.sequence - 1, 1).await?;
        let same = |found: &&RecordedEvent| {
            (&found.event_type, &found.payload, &found.metadata) == (&event.event_type, &event.payload, &event.metadata)
        };
        match found.iter().find(same) {
            Some(found) => Ok(found.position),
            None => Err(Stop::Forked(Fork {
                seen: Head {
                    position: event.position,
                    hash: event.hash,
                },
                found: found.first().map(|found| found.hash),
            })),
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

fn stream(event: &RecordedEvent) -> Result<StreamId, Stop> {
    Ok(StreamId {
        aggregate_type: kind(&event.aggregate_type)
            .ok_or_else(|| Stop::Trouble(format!("position {}: too many kinds of streams", event.position)))?,
        aggregate_id: event.aggregate_id.as_str().into(),
    })
}
