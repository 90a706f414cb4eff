//! Pages of the log, checked and decoded: what a subscriber must not see stops it here.

use std::sync::Arc;

use domain::{AnyEvent, StoredEvent};

use super::{Recorded, SubscriptionError};
use crate::{Capabilities, Metadata, RecordedEvent};

/// Decodes a page that must come after `after`, and right after it and without a hole where positions are contiguous.
pub(super) fn decode(
    name: &str,
    after: u64,
    page: &[RecordedEvent],
    capabilities: Capabilities,
) -> Result<Vec<Arc<Recorded>>, SubscriptionError> {
    let mut decoded = Vec::with_capacity(page.len());
    let mut last = after;
    for event in page {
        let expected = last + 1;
        let is_next = if capabilities.contiguous_positions {
            event.position == expected
        } else {
            event.position >= expected
        };
        last = event.position;
        if !is_next {
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

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    /// Of an event that nobody can read: whether its position is judged first.
    fn at(position: u64) -> RecordedEvent {
        RecordedEvent {
            position,
            aggregate_type: "counter".to_owned(),
            aggregate_id: "a".to_owned(),
            sequence: 1,
            event_type: "counted".to_owned(),
            event_version: "1".to_owned(),
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            recorded_at: Timestamp::UNIX_EPOCH,
            hash: [0; 32],
        }
    }

    fn is_gap(after: u64, position: u64, contiguous_positions: bool) -> bool {
        let capabilities = Capabilities {
            contiguous_positions,
            inline_chain: contiguous_positions,
            atomic_batches: false,
        };
        let refused = decode("reader", after, &[at(position)], capabilities).unwrap_err();
        matches!(refused, SubscriptionError::Gap { .. })
    }

    #[test]
    fn a_hole_stops_a_reader_only_where_positions_have_none() {
        assert!(is_gap(4, 6, true));
        assert!(!is_gap(4, 5, true));
        assert!(!is_gap(4, 6, false));
    }

    #[test]
    fn what_does_not_come_later_stops_every_reader() {
        for is_contiguous in [true, false] {
            assert!(is_gap(4, 4, is_contiguous));
            assert!(is_gap(4, 3, is_contiguous));
        }
    }
}
