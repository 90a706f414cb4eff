//! Loading a cold aggregate: the fold of its whole stream.

use std::sync::Arc;
use std::time::Duration;

use cqrs_es::persist::{PersistedEventRepository as _, PersistenceError, SerializedEvent};
use cqrs_es::{Aggregate, EventEnvelope};
use domain::upcast;
use postgres_es::PostgresEventRepository;

use super::HotError;
use crate::{EventLog, ReadError, StreamId};

const LOAD_LIMIT: Duration = Duration::from_secs(8);
const PAGE: usize = 1000;

pub(super) struct Loaded<A> {
    pub(super) aggregate: A,
    pub(super) version: u64,
    pub(super) position: u64,
}

pub(super) async fn load<A: Aggregate>(log: &dyn EventLog, id: &Arc<str>) -> Result<Loaded<A>, HotError> {
    let stream = StreamId {
        aggregate_type: A::TYPE,
        aggregate_id: Arc::clone(id),
    };
    let mut aggregate = A::default();
    let mut version = 0;
    for stored in stored_events::<A>(log, &stream).await? {
        let event = decode(stored)?;
        version += 1;
        aggregate.apply(event);
    }
    let position = if version == 0 {
        0
    } else {
        position(log, &stream, version).await?
    };
    Ok(Loaded {
        aggregate,
        version,
        position,
    })
}

/// The events of a stream as cqrs-es wraps them.
pub(super) async fn envelopes<A: Aggregate>(log: &dyn EventLog, id: &str) -> Result<Vec<EventEnvelope<A>>, HotError> {
    let stream = StreamId {
        aggregate_type: A::TYPE,
        aggregate_id: Arc::from(id),
    };
    let mut envelopes = Vec::new();
    for stored in stored_events::<A>(log, &stream).await? {
        let metadata = serde_json::from_value(stored.metadata.clone()).map_err(corrupt)?;
        envelopes.push(EventEnvelope {
            aggregate_id: stored.aggregate_id.clone(),
            sequence: stored.sequence,
            payload: decode(stored)?,
            metadata,
        });
    }
    Ok(envelopes)
}

async fn stored_events<A: Aggregate>(log: &dyn EventLog, stream: &StreamId) -> Result<Vec<SerializedEvent>, HotError> {
    let events = match log.event_repository() {
        Some(repository) => from_repository::<A>(repository, stream).await?,
        None => from_pages(log, stream).await?,
    };
    for (expected, event) in (1_usize..).zip(&events) {
        if event.sequence != expected {
            return Err(HotError::Corrupt(format!(
                "stream {stream} goes on with event {} where {expected} was expected",
                event.sequence
            )));
        }
    }
    Ok(events)
}

async fn from_repository<A: Aggregate>(
    repository: &PostgresEventRepository,
    stream: &StreamId,
) -> Result<Vec<SerializedEvent>, HotError> {
    tokio::time::timeout(LOAD_LIMIT, repository.get_events::<A>(&stream.aggregate_id))
        .await
        .map_err(|elapsed| ReadError::Unavailable(Box::new(elapsed)))?
        .map_err(|error| match error {
            PersistenceError::DeserializationError(source) => HotError::Corrupt(source.to_string()),
            other => ReadError::Unavailable(Box::new(other)).into(),
        })
}

async fn from_pages(log: &dyn EventLog, stream: &StreamId) -> Result<Vec<SerializedEvent>, HotError> {
    let mut events = Vec::new();
    loop {
        let page = log.read_stream(stream, events.len() as u64, PAGE).await?;
        for event in &page {
            events.push(event.to_serialized().map_err(corrupt)?);
        }
        if page.len() < PAGE {
            return Ok(events);
        }
    }
}

async fn position(log: &dyn EventLog, stream: &StreamId, version: u64) -> Result<u64, HotError> {
    let last = log.read_stream(stream, version - 1, 1).await?;
    last.first()
        .map(|event| event.position)
        .ok_or_else(|| HotError::Corrupt(format!("stream {stream} lost its event {version}")))
}

fn decode<E: serde::de::DeserializeOwned>(stored: SerializedEvent) -> Result<E, HotError> {
    let stored = upcast::to_current(stored);
    serde_json::from_value(stored.payload).map_err(|error| {
        HotError::Corrupt(format!(
            "event {} of {}-{} ({} {}): {error}",
            stored.sequence, stored.aggregate_type, stored.aggregate_id, stored.event_type, stored.event_version
        ))
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn corrupt(error: serde_json::Error) -> HotError {
    HotError::Corrupt(error.to_string())
}
