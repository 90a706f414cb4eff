//! What must hold for any event, whatever it says: positions, sequences, times, and the hash chain.
//!
//! A hash is `SHA-256(0x02 ‖ hash of the event before ‖ leaf)`, and a leaf `SHA-256(0x00 ‖ "boxoffice/event/1\0" ‖ position
//! ‖ type ‖ id ‖ sequence ‖ event type ‖ event version ‖ recorded_at in µs ‖ SHA-256(payload) ‖ SHA-256(metadata))`, with
//! numbers as 8 bytes, big end first, and texts after their length as such a number. The first event follows 32 zero bytes.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::report::{Findings, Rule};
use crate::snapshot::Entry;

/// The walk along the log.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) position: u64,
    pub(crate) events: u64,
    hash: [u8; 32],
    recorded_at: i64,
    /// By type, then by id: the last sequence. `None` where nobody asks for it: a log may have millions of streams.
    streams: Option<HashMap<String, HashMap<String, u64>>>,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self {
            position: 0,
            events: 0,
            hash: [0; 32],
            recorded_at: i64::MIN,
            streams: Some(HashMap::new()),
        }
    }

    /// Looks at positions, times and hashes alone, in memory that does not grow.
    pub(crate) fn of_the_chain() -> Self {
        Self {
            streams: None,
            ..Self::new()
        }
    }

    /// Goes on from what is there, also if it is wrong: so each mistake is named once.
    pub(crate) fn step(&mut self, entry: &Entry<'_>, found: &mut Findings) {
        let position = entry.position;
        self.events += 1;
        if position != self.position + 1 {
            let what = format!("expected position {} here", self.position + 1);
            found.add(Rule::Positions, position, what);
        }
        self.position = position;
        self.check_sequence(entry, found);
        if entry.recorded_at < self.recorded_at {
            found.add(Rule::RecordedAt, position, "recorded before the event that precedes it");
        }
        self.recorded_at = entry.recorded_at;
        if link(&self.hash, entry) != *entry.hash {
            let what = "the hash does not follow from this row and the hash before";
            found.add(Rule::Chain, position, what);
        }
        self.hash.copy_from_slice(entry.hash);
    }

    fn check_sequence(&mut self, entry: &Entry<'_>, found: &mut Findings) {
        let Some(types) = &mut self.streams else {
            return;
        };
        let streams = match types.get_mut(entry.aggregate_type) {
            Some(streams) => streams,
            None => types.entry(entry.aggregate_type.to_owned()).or_default(),
        };
        let last = match streams.get_mut(entry.aggregate_id) {
            Some(last) => last,
            None => streams.entry(entry.aggregate_id.to_owned()).or_default(),
        };
        if entry.sequence != *last + 1 {
            let what = format!(
                "{} {} goes on with {} after {last}",
                entry.aggregate_type, entry.aggregate_id, entry.sequence
            );
            found.add(Rule::Sequences, entry.position, what);
        }
        *last = entry.sequence;
    }
}

/// The hash of `entry`, should it follow `previous`.
pub(crate) fn link(previous: &[u8; 32], entry: &Entry<'_>) -> [u8; 32] {
    let number = |value: u64| value.to_be_bytes();
    let mut leaf = Sha256::new();
    leaf.update([0x00]);
    leaf.update(b"boxoffice/event/1\0");
    leaf.update(number(entry.position));
    for text in [entry.aggregate_type, entry.aggregate_id] {
        leaf.update(number(text.len() as u64));
        leaf.update(text);
    }
    leaf.update(number(entry.sequence));
    for text in [entry.event_type, entry.event_version] {
        leaf.update(number(text.len() as u64));
        leaf.update(text);
    }
    leaf.update(entry.recorded_at.to_be_bytes());
    leaf.update(Sha256::digest(entry.payload));
    leaf.update(Sha256::digest(entry.metadata));
    let mut link = Sha256::new();
    link.update([0x02]);
    link.update(previous);
    link.update(leaf.finalize());
    link.finalize().into()
}
