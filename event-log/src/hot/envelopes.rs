//! Whole streams as cqrs-es wraps them, for an unmodified `CqrsFramework`.

use std::sync::Arc;
use std::time::Duration;

use cqrs_es::persist::{PersistedEventRepository as _, PersistenceError, SerializedEvent};
use cqrs_es::{Aggregate, EventEnvelope};
use domain::upcast;
use postgres_es::PostgresEventRepository;

use super::HotError;
use crate::{EventLog, ReadError, STREAM_PAGE, StreamId};

const LOAD_LIMIT: Duration = Duration::from_secs(8);

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
        let page = log.read_stream(stream, events.len() as u64, STREAM_PAGE).await?;
        for event in &page {
            events.push(event.to_serialized().map_err(corrupt)?);
        }
        if page.len() < STREAM_PAGE {
            return Ok(events);
        }
    }
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
