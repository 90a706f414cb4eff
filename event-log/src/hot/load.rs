//! Loading a cold aggregate: the fold of its stream, from a snapshot where there is a sound one.

use cqrs_es::persist::SerializedEvent;
use domain::{Storable, upcast};
use serde::de::DeserializeOwned;
use tracing::warn;
use uuid::Uuid;

use super::HotError;
use crate::{EventLog, Feed, Head, LoadFrom, Recorded, STREAM_PAGE, SealedSnapshot, StreamEvent, StreamId};

/// A state with more bytes is not read where it would keep other tasks waiting.
const INLINE_BYTES: usize = 64 << 10;

/// The fold of a stream, as far as it was read.
pub(super) struct Loaded<A> {
    pub(super) aggregate: A,
    pub(super) version: u64,
    /// Of the last event.
    pub(super) position: u64,
    pub(super) hash: [u8; 32],
    /// Where the snapshot was taken that it began with; 0 if it began with nothing.
    pub(super) snapshot: u64,
    /// The length of all the JSON it was made of.
    pub(super) bytes: u64,
}

/// What was folded before, and what the tail of the log in memory knows of the stream since. `None` if the tail does not reach
/// back so far, or not to that event.
pub(super) async fn catch_up<A: Storable + 'static>(
    mut known: Loaded<A>,
    feed: &Feed,
    stream: &StreamId,
) -> Option<Loaded<A>> {
    let id = Uuid::parse_str(&stream.aggregate_id).ok()?;
    let mut reached = Head {
        position: known.position,
        hash: known.hash,
    };
    loop {
        let linked = feed.linked_after(reached, STREAM_PAGE)?;
        let Some((last, hash)) = linked.last() else {
            return Some(known);
        };
        reached = Head {
            position: last.position,
            hash: *hash,
        };
        for (recorded, hash) in &linked {
            known.follow(id, recorded, hash)?;
        }
        // There may be tens of thousands, and others wait for this thread.
        tokio::task::yield_now().await;
    }
}

pub(super) async fn load<A: Storable + 'static>(log: &dyn EventLog, stream: &StreamId) -> Result<Loaded<A>, HotError> {
    let format = A::STATE_FORMAT;
    let mut page = log.load(stream, LoadFrom::Snapshot { format }).await?;
    let mut loaded = Loaded::nothing();
    if let Some(stored) = page.snapshot.take() {
        match restore(stored, stream).await {
            Ok(restored) => loaded = restored,
            Err(reason) => {
                warn!(log.stream = %stream, "the snapshot of {stream} is ignored: {reason}");
                metrics::counter!("boxoffice_snapshots_ignored_total", "reason" => "corrupt").increment(1);
                page = log.load(stream, LoadFrom::START).await?;
            }
        }
    }
    loop {
        loaded.take(stream, &page.events)?;
        if page.events.len() < STREAM_PAGE {
            return Ok(loaded);
        }
        page = log.load(stream, LoadFrom::Sequence(loaded.version)).await?;
    }
}

async fn restore<A: Storable + 'static>(stored: SealedSnapshot, stream: &StreamId) -> Result<Loaded<A>, String> {
    let SealedSnapshot { snapshot, seal } = stored;
    let is_long = snapshot.payload.len() > INLINE_BYTES;
    let stream = stream.clone();
    let read = move || {
        if snapshot.seal(&stream) != seal {
            return Err("its seal is broken".to_owned());
        }
        let aggregate = serde_json::from_slice(&snapshot.payload).map_err(|error| error.to_string())?;
        Ok(Loaded {
            aggregate,
            version: snapshot.last_sequence,
            position: snapshot.position,
            hash: snapshot.hash,
            snapshot: snapshot.last_sequence,
            bytes: snapshot.payload.len() as u64,
        })
    };
    if is_long {
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| error.to_string())?
    } else {
        read()
    }
}

impl<A: Storable> Loaded<A> {
    fn nothing() -> Self {
        Self {
            aggregate: A::default(),
            version: 0,
            position: 0,
            hash: [0; 32],
            snapshot: 0,
            bytes: 0,
        }
    }

    fn take(&mut self, stream: &StreamId, events: &[StreamEvent]) -> Result<(), HotError> {
        for event in events {
            if event.sequence != self.version + 1 {
                return Err(gap(stream, self.version + 1, event.sequence));
            }
            self.aggregate.apply(decode(stream, event)?);
            self.version = event.sequence;
            self.position = event.position;
            self.hash = event.hash;
            self.bytes += event.payload.len() as u64;
        }
        Ok(())
    }

    /// Takes the event if it is of this stream. `None` if the stream does not go on with it.
    fn follow(&mut self, id: Uuid, recorded: &Recorded, hash: &[u8; 32]) -> Option<()> {
        let Some((_, event)) = A::pick(&recorded.event).filter(|(of, _)| *of == id) else {
            return Some(());
        };
        if recorded.sequence != self.version + 1 {
            return None;
        }
        self.aggregate.apply(event.clone());
        self.version = recorded.sequence;
        self.position = recorded.position;
        self.hash = *hash;
        Some(())
    }
}

/// An event of today's version becomes typed at once, without a JSON value between.
fn decode<E: DeserializeOwned>(stream: &StreamId, event: &StreamEvent) -> Result<E, HotError> {
    let typed = if upcast::is_current(&event.event_type, &event.event_version) {
        serde_json::from_slice(&event.payload)
    } else {
        lift(stream, event).and_then(|lifted| serde_json::from_value(lifted.payload))
    };
    typed.map_err(|error| {
        HotError::Corrupt(format!(
            "event {} of {stream} ({} {}): {error}",
            event.sequence, event.event_type, event.event_version
        ))
    })
}

fn lift(stream: &StreamId, event: &StreamEvent) -> Result<SerializedEvent, serde_json::Error> {
    Ok(upcast::to_current(SerializedEvent {
        aggregate_id: stream.aggregate_id.to_string(),
        sequence: usize::try_from(event.sequence).unwrap_or(usize::MAX),
        aggregate_type: stream.aggregate_type.to_owned(),
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: serde_json::from_slice(&event.payload)?,
        metadata: serde_json::Value::Null,
    }))
}

fn gap(stream: &StreamId, expected: u64, found: u64) -> HotError {
    HotError::Corrupt(format!(
        "stream {stream} goes on with event {found} where {expected} was expected"
    ))
}
