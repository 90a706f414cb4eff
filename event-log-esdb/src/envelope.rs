//! An event as the engine stores it: the payload is its data, byte for byte; everything else that the log knows of an event
//! is in its custom metadata, as JSON.

use std::sync::Arc;

use domain::Timestamp;
use event_log::chain::Leaf;
use event_log::{NewEvent, ReadError, RecordedEvent, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::client::{Found, Outgoing};

/// The engine's own streams, which are not the log's.
const SYSTEM: char = '$';

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    version: &'a str,
    /// Microseconds since 1970.
    recorded_at: i64,
    /// Which process appended it.
    writer: Uuid,
    /// Of everything but the position, as hexadecimal digits.
    hash: &'a str,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// What the events of one append have in common.
#[derive(Clone, Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) stream: &'a StreamId,
    /// Of the append: the ids of its events are made of it.
    pub(crate) id: Uuid,
    pub(crate) writer: Uuid,
    pub(crate) recorded_at: Timestamp,
    pub(crate) metadata: &'a Arc<[u8]>,
}

impl Sender<'_> {
    /// The same append gives the same events, whenever it is sent.
    pub(crate) fn seal(&self, event: &NewEvent, sequence: u64) -> Result<Outgoing, serde_json::Error> {
        serde_json::from_slice::<&RawValue>(&event.payload)?;
        let hash = hex(&content(&Leaf {
            position: 0,
            aggregate_type: self.stream.aggregate_type,
            aggregate_id: &self.stream.aggregate_id,
            sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at: self.recorded_at,
            payload: &event.payload,
            metadata: self.metadata,
        }));
        let envelope = Envelope {
            version: &event.event_version,
            recorded_at: self.recorded_at.timestamp_micros(),
            writer: self.writer,
            hash: &hash,
            metadata: serde_json::from_slice(self.metadata)?,
        };
        Ok(Outgoing {
            id: Uuid::new_v5(&self.id, &sequence.to_be_bytes()),
            event_type: event.event_type.clone().into_owned(),
            data: event.payload.clone(),
            metadata: serde_json::to_vec(&envelope)?,
        })
    }
}

/// An event of the log, and who appended it.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) event: RecordedEvent,
    pub(crate) writer: Uuid,
}

/// Whether it is the engine's own.
pub(crate) fn is_system(found: &Found) -> bool {
    found.stream.starts_with(SYSTEM)
}

/// Reads an event back. What does not hash to what it says was not written like this by us.
pub(crate) fn open(found: Found) -> Result<Opened, ReadError> {
    let position = found.position;
    let corrupt = move |reason: String| ReadError::Corrupt { position, reason };
    let Some((aggregate_type, aggregate_id)) = found.stream.split_once('-') else {
        return Err(corrupt(format!("stream {} is none of the log's", found.stream)));
    };
    let envelope: Envelope<'_> =
        serde_json::from_slice(&found.metadata).map_err(|error| corrupt(format!("its metadata: {error}")))?;
    let recorded_at = Timestamp::from_timestamp_micros(envelope.recorded_at)
        .ok_or_else(|| corrupt("no time in its metadata".to_owned()))?;
    let mut event = RecordedEvent {
        position,
        aggregate_type: aggregate_type.to_owned(),
        aggregate_id: aggregate_id.to_owned(),
        sequence: found.revision + 1,
        event_type: found.event_type,
        event_version: envelope.version.to_owned(),
        payload: String::from_utf8(found.data).map_err(|error| corrupt(format!("its data: {error}")))?,
        metadata: envelope.metadata.get().to_owned(),
        recorded_at,
        hash: [0; 32],
    };
    event.hash = content(&Leaf {
        position: 0,
        ..Leaf::from(&event)
    });
    if hex(&event.hash) != envelope.hash {
        return Err(corrupt("it does not hash to what was recorded with it".to_owned()));
    }
    Ok(Opened {
        event,
        writer: envelope.writer,
    })
}

/// The hash of an event whose position nobody knew when it was made: that of a leaf at position 0.
fn content(leaf: &Leaf<'_>) -> [u8; 32] {
    leaf.hash()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
