//! What the log records beside an event: who, in which conversation, because of what.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Stored with every event of a command. Opaque ids only, never personal data.
///
/// Stored as a JSON object of strings, because that is what a stock postgres-es reads metadata as.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Metadata {
    /// A user id, `admin:<user id>`, or `process:<name>`.
    pub actor_id: String,
    pub correlation_id: Uuid,
    /// The log position of the event that a process reacted to.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number_as_text")]
    pub causation_position: Option<u64>,
    /// SHA-256 (hex) of the client's idempotency key; the key itself is the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key_sha256: Option<String>,
}

impl Metadata {
    pub fn for_actor(actor_id: impl Into<String>, correlation_id: Uuid) -> Self {
        Self {
            actor_id: actor_id.into(),
            correlation_id,
            causation_position: None,
            idempotency_key_sha256: None,
        }
    }

    #[must_use]
    pub fn caused_by(mut self, position: u64) -> Self {
        self.causation_position = Some(position);
        self
    }

    #[must_use]
    pub fn with_idempotency_key_sha256(mut self, sha256_hex: String) -> Self {
        self.idempotency_key_sha256 = Some(sha256_hex);
        self
    }
}

mod number_as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, reason = "the shape that serde's `with` calls")]
    pub(super) fn serialize<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn is_stored_as_an_object_of_strings() {
        let metadata = Metadata::for_actor("process:checkout", Uuid::nil()).caused_by(u64::MAX);
        let stored = serde_json::to_string(&metadata).unwrap();
        let stock: HashMap<String, String> = serde_json::from_str(&stored).unwrap();
        assert_eq!(stock["causation_position"], u64::MAX.to_string());
        assert_eq!(serde_json::from_str::<Metadata>(&stored).unwrap(), metadata);
    }

    #[test]
    fn is_read_without_its_optional_parts() {
        let stored = r#"{"actor_id":"a","correlation_id":"00000000-0000-0000-0000-000000000000"}"#;
        let metadata: Metadata = serde_json::from_str(stored).unwrap();
        assert_eq!(metadata, Metadata::for_actor("a", Uuid::nil()));
    }
}
