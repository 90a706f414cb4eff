//! A log made by hand, chained as the sequencer would, and the bundle of it.

use std::path::Path;
use std::sync::Arc;

use domain::Timestamp;
use event_log::chain::{self, Leaf};
use event_log::stretches::RawEvent;
use notary::{Checkpoint, Frontier, SigningKey};

use crate::export::{Draft, Packer, Signed, finish};
use crate::format::{FORMAT, Hash, HeadEntry, Manifest, NoteLine};
use crate::{Bundle, Flaw, Trust, Verdict, verify};

/// Texts that a parser would write otherwise than they stand there.
const PAYLOADS: [&str; 5] = [
    r#"{"type":"room_opened","zeta":1,"a":"x"}"#,
    r#"{ "number" : 1E2, "twice":1,"twice":2 }"#,
    r#"{"large":9007199254740993,"text":"\u0000 \u00e9 é"}"#,
    r#"{"empty":""}"#,
    "{\"carriage\":\r \"return\",\t\"tab\":1}",
];
/// 2030-05-01T18:00:00Z
const START: i64 = 1_903_888_800_000_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Event {
    pub(super) position: u64,
    pub(super) stream: (String, String),
    pub(super) sequence: u64,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) metadata: String,
    pub(super) recorded_at_us: i64,
    pub(super) hash: [u8; 32],
}

impl Event {
    pub(super) fn raw(&self) -> RawEvent<'_> {
        RawEvent {
            leaf: Leaf {
                position: self.position,
                aggregate_type: &self.stream.0,
                aggregate_id: &self.stream.1,
                sequence: self.sequence,
                event_type: &self.kind,
                event_version: "1",
                recorded_at: at(self.recorded_at_us),
                payload: self.payload.as_bytes(),
                metadata: self.metadata.as_bytes(),
            },
            hash: self.hash,
        }
    }
}

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(micros).expect("a time")
}

/// So many events of a few streams.
pub(super) fn story(events: u64) -> Vec<Event> {
    let made = (1..=events).map(|position| {
        let stream = position % 3;
        Event {
            position,
            stream: (
                "room".to_owned(),
                format!("00000000-0000-0000-0000-00000000000{stream}"),
            ),
            sequence: position.div_ceil(3),
            kind: "room_opened".to_owned(),
            payload: PAYLOADS[usize::try_from(position).expect("small") % PAYLOADS.len()].to_owned(),
            metadata: format!(r#"{{"actor_id":"process:test","correlation_id":"{position:032x}"}}"#),
            recorded_at_us: START + i64::try_from(position).expect("small") * 1_000,
            hash: [0; 32],
        }
    });
    let mut made: Vec<Event> = made.collect();
    rechain(&mut made);
    made
}

/// Positions and hashes as somebody computes them who has all the rights.
pub(super) fn rechain(events: &mut [Event]) {
    let mut before = [0; 32];
    for (nth, event) in (1..).zip(events) {
        event.position = nth;
        before = chain::link(&before, &event.raw().leaf);
        event.hash = before;
    }
}

/// The notary's key in these tests.
pub(super) fn log_key() -> SigningKey {
    SigningKey::log("example.org/bundles".parse().expect("a name"), &[0x33; 32])
}

/// What the notary signs of the first `size` of these events.
pub(super) fn sign(events: &[Event], size: usize, key: &SigningKey) -> Checkpoint {
    let mut frontier = Frontier::new();
    frontier.extend(events[..size].iter().map(|event| event.raw().leaf.hash()));
    Checkpoint {
        origin: key.name().to_owned(),
        size: frontier.size(),
        root: frontier.root(),
    }
}

pub(super) fn note(events: &[Event], size: usize) -> String {
    sign(events, size, &log_key()).sign(&log_key()).to_string()
}

/// A key, and its checkpoints of these sizes.
pub(super) fn signed(events: &[Event], sizes: &[usize], key: &SigningKey) -> Signed {
    let notes = sizes.iter().map(|size| NoteLine {
        size: *size as u64,
        note: sign(events, *size, key).sign(key).to_string(),
    });
    Signed::new(Some(key.verifier()), notes.collect())
}

/// Writes the bundle of these events, whatever they are.
pub(super) fn write(events: &[Event], target: &Path) {
    write_with(events, &Signed::default(), target);
}

/// The same with what was signed of these events, or of others.
pub(super) fn write_with(events: &[Event], signed: &Signed, target: &Path) {
    let draft = Draft::begin(target).expect("a draft");
    let mut packer = Packer::new(draft.folder());
    for event in events {
        packer.push(&event.raw());
    }
    let segments = packer.finish().expect("packed");
    let head = events.last().map_or_else(HeadEntry::default, |last| HeadEntry {
        position: last.position,
        hash: Hash(last.hash),
    });
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        made_at: at(START),
        made_by: "boxoffice's tests".to_owned(),
        events: segments.iter().map(|segment| segment.events).sum(),
        head,
        segments,
        files: vec![],
    };
    finish(draft, manifest, Ok(b"{}\n".to_vec()), signed).expect("written");
}

pub(super) async fn judge(path: &Path) -> Verdict {
    judge_with(path, &Trust::default()).await
}

pub(super) async fn judge_with(path: &Path, trust: &Trust) -> Verdict {
    let bundle = Arc::new(Bundle::open(path).expect("a bundle"));
    verify(&bundle, trust).await.expect("judged")
}

/// The first wrong position, and what is said of it.
pub(super) async fn flaw(path: &Path) -> (Option<u64>, String) {
    let flaw = flaw_with(path, &Trust::default()).await;
    (flaw.position, flaw.reason)
}

pub(super) async fn flaw_with(path: &Path, trust: &Trust) -> Flaw {
    match judge_with(path, trust).await {
        Verdict::Broken(flaw) => flaw,
        Verdict::Verified(summary) => panic!("verified: {summary:?}"),
    }
}
