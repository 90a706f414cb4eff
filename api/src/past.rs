//! What was: a stream of the log, read up to a position.

use std::sync::Arc;

use domain::{AnyEvent, StoredEvent, Timestamp};
use event_log::{RecordedEvent, StreamId};
use uuid::Uuid;

use crate::{ApiError, ApiState};

/// A longer history is not told: a room of 10,000 seats has as many events when it is sold out.
const EVENTS_MAX: usize = 50_000;
const PAGE: usize = 1_000;

/// An event of the past.
pub(crate) struct PastEvent {
    pub(crate) position: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) event: AnyEvent,
}

/// Hands the events of a stream up to `until` to `take`, in their order.
pub(crate) async fn each_event(
    state: &ApiState,
    aggregate_type: &'static str,
    id: Uuid,
    until: u64,
    take: impl FnMut(PastEvent) + Send,
) -> Result<(), ApiError> {
    if is_told(state, aggregate_type, id, until, take).await? {
        return Ok(());
    }
    Err(too_long("/query/as_of"))
}

/// The same; `false` if the history is too long to be told.
pub(crate) async fn is_told(
    state: &ApiState,
    aggregate_type: &'static str,
    id: Uuid,
    until: u64,
    mut take: impl FnMut(PastEvent) + Send,
) -> Result<bool, ApiError> {
    let stream = StreamId {
        aggregate_type,
        aggregate_id: Arc::from(id.to_string()),
    };
    let (mut after, mut count) = (0, 0);
    loop {
        let page = state.log.read_stream(&stream, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        for event in page {
            if event.position > until {
                return Ok(true);
            }
            count += 1;
            if count > EVENTS_MAX {
                return Ok(false);
            }
            after = event.sequence;
            take(PastEvent {
                position: event.position,
                recorded_at: event.recorded_at,
                event: decode(&event)?,
            });
        }
        if is_last {
            return Ok(true);
        }
    }
}

/// What is at `pointer` has too long a history.
pub(crate) fn too_long(pointer: &'static str) -> ApiError {
    let detail = format!("more than {EVENTS_MAX} events come before it: that is too much to tell it from");
    ApiError::invalid(pointer, detail)
}

fn decode(event: &RecordedEvent) -> Result<AnyEvent, ApiError> {
    let stored = StoredEvent {
        aggregate_type: &event.aggregate_type,
        aggregate_id: &event.aggregate_id,
        event_type: &event.event_type,
        event_version: &event.event_version,
        payload: event.payload.as_bytes(),
    };
    AnyEvent::read(stored).map_err(|error| ApiError::Internal(Box::new(error)))
}
