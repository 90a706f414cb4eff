//! The tail of the log in memory: what was recorded last, decoded once for all who follow the log in this process.
//!
//! Holds only what the database has committed, in batches as they were committed, contiguous, and no more than a bound.
//! Who is behind the tail, or finds an event there that does not decode, reads the database instead.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::{AnyEvent, StoredEvent, Timestamp, UnknownEvent};
use tokio::time::Instant;

use crate::plan::{Plan, Row};
use crate::{Head, Metadata, Recorded, StreamId};

/// Beyond either bound the oldest batches are forgotten. About a second and a half of the fastest sale there is.
const EVENTS_MAX: usize = 65_536;
/// Of stored text; decoded, an event takes about twice that.
const BYTES_MAX: usize = 64 << 20;

/// The tail of one log.
#[derive(Debug, Default)]
pub struct Feed {
    tail: Mutex<Tail>,
}

#[derive(Debug, Default)]
struct Tail {
    batches: VecDeque<Arc<Batch>>,
    events: usize,
    bytes: usize,
}

/// What the tail knows of the events after a position.
#[derive(Debug)]
pub enum Recent {
    /// They follow without a hole.
    Page(FeedPage),
    /// The position is where the tail ends.
    Nothing,
    /// The tail does not reach back so far, or not so far ahead.
    Elsewhere,
}

/// Events as they follow each other in the log, each with its hash.
pub(crate) type Linked = Vec<(Arc<Recorded>, [u8; 32])>;

/// At least one event.
#[derive(Debug)]
pub struct FeedPage {
    pub events: Vec<Arc<Recorded>>,
    /// The last of them.
    pub to: Head,
    /// When the first of them was committed.
    pub committed_at: Instant,
}

/// The events of one commit.
#[derive(Debug)]
pub(crate) struct Batch {
    after: Head,
    to: Head,
    bytes: usize,
    committed_at: Instant,
    /// As stored; taken out when decoded.
    stored: Mutex<Vec<Stored>>,
    /// `None` if one of them does not decode.
    decoded: OnceLock<Option<Vec<Arc<Recorded>>>>,
    /// One for each event.
    hashes: Vec<[u8; 32]>,
}

#[derive(Debug)]
struct Stored {
    position: u64,
    stream: StreamId,
    sequence: u64,
    event_type: Cow<'static, str>,
    event_version: Cow<'static, str>,
    payload: Vec<u8>,
    metadata: Arc<[u8]>,
    recorded_at: Timestamp,
}

impl Feed {
    /// Takes in what was just committed. A batch that does not follow the last one begins the tail anew: somebody else
    /// has written the log in between.
    pub(crate) fn push(&self, batch: Batch) {
        let mut tail = self.tail();
        let follows = tail
            .batches
            .back()
            .is_none_or(|last| last.to.position == batch.after.position);
        if !follows {
            *tail = Tail::default();
        }
        tail.events += batch.len();
        tail.bytes += batch.bytes;
        tail.batches.push_back(Arc::new(batch));
        while tail.batches.len() > 1 && (tail.events > EVENTS_MAX || tail.bytes > BYTES_MAX) {
            if let Some(oldest) = tail.batches.pop_front() {
                tail.events -= oldest.len();
                tail.bytes -= oldest.bytes;
            }
        }
    }

    /// The events after a position: whole batches, until there are `enough` of them.
    pub fn after(&self, position: u64, enough: usize) -> Recent {
        let batches = match self.batches_after(position, enough) {
            Some(batches) if batches.is_empty() => return Recent::Nothing,
            Some(batches) => batches,
            None => return Recent::Elsewhere,
        };
        let mut page: Option<FeedPage> = None;
        // Outside the lock: decoding takes its time, and the sequencer must never wait for it.
        for batch in batches {
            let Some(decoded) = batch.decoded() else {
                break;
            };
            let seen = usize::try_from(position.saturating_sub(batch.after.position)).unwrap_or(usize::MAX);
            let fresh = decoded.get(seen..).unwrap_or_default();
            let page = page.get_or_insert_with(|| FeedPage {
                events: Vec::with_capacity(fresh.len()),
                to: batch.to,
                committed_at: batch.committed_at,
            });
            page.events.extend_from_slice(fresh);
            page.to = batch.to;
        }
        page.map_or(Recent::Elsewhere, Recent::Page)
    }

    /// What follows the event at `known`, until there are `enough` of them; nothing if that is where the tail ends. `None`
    /// unless the tail is chained to that very event.
    pub(crate) fn linked_after(&self, known: Head, enough: usize) -> Option<Linked> {
        let batches = self.batches_after(known.position, enough)?;
        let mut linked = Vec::new();
        for (nth, batch) in batches.iter().enumerate() {
            let seen = usize::try_from(known.position.saturating_sub(batch.after.position)).unwrap_or(usize::MAX);
            if nth == 0 && batch.hash_before(seen) != Some(known.hash) {
                return None;
            }
            let fresh = batch
                .decoded()?
                .iter()
                .map(Arc::clone)
                .zip(batch.hashes.iter().copied());
            linked.extend(fresh.skip(seen));
        }
        Some(linked)
    }

    /// `None` if the tail has a hole between `position` and what it holds.
    fn batches_after(&self, position: u64, enough: usize) -> Option<Vec<Arc<Batch>>> {
        let tail = self.tail();
        let (first, last) = (tail.batches.front()?, tail.batches.back()?);
        if position < first.after.position || position > last.to.position {
            return None;
        }
        let begin = tail.batches.partition_point(|batch| batch.to.position <= position);
        let reach = position.saturating_add(enough as u64);
        let mut batches = Vec::new();
        for batch in tail.batches.range(begin..) {
            batches.push(Arc::clone(batch));
            if batch.to.position >= reach {
                break;
            }
        }
        Some(batches)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    pub(crate) fn of(plan: &Plan) -> Self {
        let stored: Vec<Stored> = plan.rows().map(|row| Stored::of(&row)).collect();
        Self {
            after: plan.previous,
            to: plan.tail.head,
            bytes: stored.iter().map(Stored::bytes).sum(),
            committed_at: Instant::now(),
            stored: Mutex::new(stored),
            decoded: OnceLock::new(),
            hashes: plan.rows().map(|row| *row.hash).collect(),
        }
    }

    fn len(&self) -> usize {
        usize::try_from(self.to.position - self.after.position).unwrap_or(usize::MAX)
    }

    /// What the event after the first `seen` ones is chained to.
    fn hash_before(&self, seen: usize) -> Option<[u8; 32]> {
        match seen.checked_sub(1) {
            None => Some(self.after.hash),
            Some(last) => self.hashes.get(last).copied(),
        }
    }

    /// The first who asks decodes; who asks meanwhile waits the fraction of a millisecond that it takes.
    fn decoded(&self) -> Option<&[Arc<Recorded>]> {
        let decoded = self.decoded.get_or_init(|| {
            let stored = std::mem::take(&mut *self.stored.lock().unwrap_or_else(PoisonError::into_inner));
            let decoded: Result<Vec<_>, Undecodable> = stored.iter().map(Stored::decode).collect();
            decoded.ok()
        });
        decoded.as_deref()
    }
}

/// Why a batch is left to those who read the database, and report it.
struct Undecodable;

impl From<serde_json::Error> for Undecodable {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl From<UnknownEvent> for Undecodable {
    fn from(_: UnknownEvent) -> Self {
        Self
    }
}

impl Stored {
    fn of(row: &Row<'_>) -> Self {
        Self {
            position: row.position,
            stream: row.stream.clone(),
            sequence: row.sequence,
            event_type: row.event.event_type.clone(),
            event_version: row.event.event_version.clone(),
            payload: row.event.payload.clone(),
            metadata: Arc::clone(row.metadata),
            recorded_at: row.recorded_at,
        }
    }

    fn bytes(&self) -> usize {
        self.payload.len() + self.metadata.len() + self.stream.aggregate_id.len()
    }

    fn decode(&self) -> Result<Arc<Recorded>, Undecodable> {
        let metadata: Metadata = serde_json::from_slice(&self.metadata)?;
        Ok(Arc::new(Recorded {
            position: self.position,
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            metadata,
            event: AnyEvent::read(StoredEvent {
                aggregate_type: self.stream.aggregate_type,
                aggregate_id: &self.stream.aggregate_id,
                event_type: &self.event_type,
                event_version: &self.event_version,
                payload: &self.payload,
            })?,
        }))
    }
}
