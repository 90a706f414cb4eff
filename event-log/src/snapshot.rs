//! A state kept beside the log: exactly what folding a stream gives, up to one of its events.
//!
//! A snapshot saves time and decides nothing. It names the event it was taken at by position and hash, and that hash is
//! chained to all that came before: where the log holds another event, or none, the stream is folded from its start.

use sha2::{Digest as _, Sha256};

use crate::StreamId;

const TAG: &[u8] = b"boxoffice/snapshot/1\0";

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The event it was taken at.
    pub last_sequence: u64,
    pub position: u64,
    pub hash: [u8; 32],
    /// Whoever reads another format ignores the snapshot.
    pub format: u32,
    /// The state as JSON.
    pub payload: Vec<u8>,
}

impl Snapshot {
    /// What is stored with it, and tells whether something was changed or mixed up since.
    pub fn seal(&self, stream: &StreamId) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(TAG);
        for text in [stream.aggregate_type, &*stream.aggregate_id] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        hasher.update(self.last_sequence.to_be_bytes());
        hasher.update(self.position.to_be_bytes());
        hasher.update(self.hash);
        hasher.update(self.format.to_be_bytes());
        hasher.update(&self.payload);
        hasher.finalize().into()
    }
}
