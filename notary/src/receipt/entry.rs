//! An event as a receipt has it, and the leaf that it is in the tree.
//!
//! The encoding is written down a second time here, after `docs/LOG-FORMAT.md` and not after the log's own code: whoever
//! verifies must not be wrong together with whoever wrote.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::ReceiptError;
use super::format::hex_hash;
use crate::tree::{Hash, leaf_hash};

const TAG: &[u8] = b"boxoffice/event/1\0";

/// An event. What only others may read is left out of it; its hash stands for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub position: u64,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: u64,
    pub event_type: String,
    pub event_version: String,
    /// To the microsecond.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub recorded_at: DateTime<Utc>,
    /// The stored text, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    #[serde(with = "hex_hash")]
    pub payload_sha256: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    #[serde(with = "hex_hash")]
    pub metadata_sha256: Hash,
}

impl Entry {
    /// The same without what it says: enough to prove that it is there.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self {
            payload: None,
            metadata: None,
            ..self
        }
    }

    /// The leaf of the tree, out of what is here.
    pub fn leaf(&self) -> Result<Hash, ReceiptError> {
        same("payload", self.payload.as_deref(), &self.payload_sha256)?;
        same("metadata", self.metadata.as_deref(), &self.metadata_sha256)?;
        Ok(leaf_hash(&self.encoding()))
    }

    /// What the leaf is the hash of.
    pub fn encoding(&self) -> Vec<u8> {
        let mut bytes = TAG.to_vec();
        bytes.extend(self.position.to_be_bytes());
        text(&mut bytes, &self.aggregate_type);
        text(&mut bytes, &self.aggregate_id);
        bytes.extend(self.sequence.to_be_bytes());
        text(&mut bytes, &self.event_type);
        text(&mut bytes, &self.event_version);
        bytes.extend(self.recorded_at.timestamp_micros().to_be_bytes());
        bytes.extend(self.payload_sha256);
        bytes.extend(self.metadata_sha256);
        bytes
    }
}

fn same(part: &'static str, stored: Option<&str>, hash: &Hash) -> Result<(), ReceiptError> {
    match stored {
        Some(stored) if Hash::from(Sha256::digest(stored)) != *hash => Err(ReceiptError::OtherContent(part)),
        _ => Ok(()),
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn write_time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
    Ok(time.with_timezone(&Utc))
}
