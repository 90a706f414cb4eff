//! Pages of the log, checked and decoded: what a subscriber must not see stops it here.

use std::sync::Arc;

use domain::{AnyEvent, StoredEvent};

use super::{Recorded, SubscriptionError};
use crate::{Metadata, RecordedEvent};

/// Decodes a page that must begin right after `after` and have no hole.
pub(super) fn decode(name: &str, after: u64, page: &[RecordedEvent]) -> Result<Vec<Arc<Recorded>>, SubscriptionError> {
    let mut decoded = Vec::with_capacity(page.len());
    for (expected, event) in (after + 1..).zip(page) {
        if event.position != expected {
            return Err(SubscriptionError::Gap {
                name: name.to_owned(),
                expected,
                found: event.position,
            });
        }
        let recorded = recorded(event).map_err(|source| SubscriptionError::Undecodable {
            name: name.to_owned(),
            position: event.position,
            source,
        })?;
        decoded.push(Arc::new(recorded));
    }
    Ok(decoded)
}

fn recorded(event: &RecordedEvent) -> Result<Recorded, Box<dyn std::error::Error + Send + Sync>> {
    let metadata: Metadata = serde_json::from_str(&event.metadata)?;
    Ok(Recorded {
        position: event.position,
        sequence: event.sequence,
        recorded_at: event.recorded_at,
        metadata,
        event: AnyEvent::read(StoredEvent {
            aggregate_type: &event.aggregate_type,
            aggregate_id: &event.aggregate_id,
            event_type: &event.event_type,
            event_version: &event.event_version,
            payload: event.payload.as_bytes(),
        })?,
    })
}
