//! The hash chain: what makes a later edit of the log visible.
//!
//! `leaf = SHA256(0x00 ‖ encoding)`, `hash = SHA256(0x02 ‖ previous hash ‖ leaf)`, where `encoding` is the tag, then the
//! fields in order. Numbers are big-endian and 8 bytes long; texts carry their length, so no byte can move from one field
//! to the next. Payload and metadata enter as the SHA-256 of their stored bytes. This encoding is version 1 for ever: a
//! change gets a new tag.

use domain::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::RecordedEvent;

const TAG: &[u8] = b"boxoffice/event/1\0";
const LEAF: [u8; 1] = [0x00];
const LINK: [u8; 1] = [0x02];

/// Everything about an event that its hash vouches for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf<'a> {
    pub position: u64,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub sequence: u64,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub recorded_at: Timestamp,
    pub payload: &'a [u8],
    pub metadata: &'a [u8],
}

impl<'a> From<&'a RecordedEvent> for Leaf<'a> {
    fn from(event: &'a RecordedEvent) -> Self {
        Self {
            position: event.position,
            aggregate_type: &event.aggregate_type,
            aggregate_id: &event.aggregate_id,
            sequence: event.sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at: event.recorded_at,
            payload: event.payload.as_bytes(),
            metadata: event.metadata.as_bytes(),
        }
    }
}

impl Leaf<'_> {
    /// The leaf of the chain, and of the Merkle tree.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(LEAF);
        hasher.update(TAG);
        hasher.update(self.position.to_be_bytes());
        text(&mut hasher, self.aggregate_type);
        text(&mut hasher, self.aggregate_id);
        hasher.update(self.sequence.to_be_bytes());
        text(&mut hasher, self.event_type);
        text(&mut hasher, self.event_version);
        hasher.update(self.recorded_at.timestamp_micros().to_be_bytes());
        hasher.update(Sha256::digest(self.payload));
        hasher.update(Sha256::digest(self.metadata));
        hasher.finalize().into()
    }
}

/// The hash of the event that follows the one with hash `previous`.
pub fn link(previous: &[u8; 32], leaf: &Leaf<'_>) -> [u8; 32] {
    link_leaf(previous, &leaf.hash())
}

/// The same, where the leaf's hash is known already.
pub fn link_leaf(previous: &[u8; 32], leaf: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(LINK)
        .chain_update(previous)
        .chain_update(leaf)
        .finalize()
        .into()
}

fn text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text);
}
