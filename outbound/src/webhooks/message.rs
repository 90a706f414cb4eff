//! What a receiver is told about an event: what the log holds of it, and where.

use chrono::SecondsFormat;
use event_log::RecordedEvent;
use serde::Serialize;
use serde_json::value::RawValue;

/// Bytes of the chain's hash that are part of a message's id: after a fork of the log, position 17 is another event.
const HASH_BYTES: usize = 8;

/// A message, ready to be signed. The same event is the same message, byte for byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub id: String,
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    version: &'a str,
    /// When it was recorded.
    timestamp: String,
    position: u64,
    aggregate: Aggregate<'a>,
    /// The stored payload: opaque ids, no personal data.
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Aggregate<'a> {
    r#type: &'a str,
    id: &'a str,
    sequence: u64,
}

impl Message {
    pub fn about(event: &RecordedEvent) -> Result<Self, serde_json::Error> {
        let body = Body {
            r#type: &event.event_type,
            version: &event.event_version,
            timestamp: event.recorded_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            position: event.position,
            aggregate: Aggregate {
                r#type: &event.aggregate_type,
                id: &event.aggregate_id,
                sequence: event.sequence,
            },
            data: serde_json::from_str(&event.payload)?,
        };
        Ok(Self {
            id: id(event),
            body: serde_json::to_vec(&body)?,
        })
    }
}

fn id(event: &RecordedEvent) -> String {
    let hash = event.hash.iter().take(HASH_BYTES);
    hash.fold(format!("evt_{}_", event.position), |id, byte| format!("{id}{byte:02x}"))
}
