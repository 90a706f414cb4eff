//! `tests/vectors/bundles`: small bundles and what is to be said of them; by this crate, and by a verifier that somebody else
//! wrote in another language.
//!
//! `BOXOFFICE_VECTORS=write` makes them anew. What others test against does not change without need.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use notary::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::story::{Event, judge_with, log_key, note, rechain, sign, signed, story, write, write_with};
use crate::export::Signed;
use crate::format::{MANIFEST, NoteLine, segment_name};
use crate::{Manifest, Trust, Verdict};

/// What an auditor has kept of the story.
const KEPT: &str = "bundle_checkpoint.txt";
/// The vectors that are held against what the auditor has kept, or his key.
const WITH_KEY: [&str; 3] = ["forged", "remade", "restored"];
const WITH_CHECKPOINT: [&str; 2] = ["remade", "restored"];

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Expected {
    /// `verified` or `broken`
    verdict: String,
    /// The head, or the first wrong position; null where the events are in order.
    position: Option<u64>,
    /// The first wrong position lies between `position` and this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// The size of the last checkpoint that agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<u64>,
    /// The key that it is verified with, instead of the bundle's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The checkpoint that it is held against, a file beside the folder `bundles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

impl Expected {
    /// What it is verified with, before anything is said of it.
    fn given(name: &str) -> Self {
        let key = WITH_KEY.contains(&name).then(|| log_key().verifier().to_string());
        let checkpoint = WITH_CHECKPOINT.contains(&name).then(|| KEPT.to_owned());
        Self {
            verdict: String::new(),
            position: None,
            up_to: None,
            hash: None,
            signed: None,
            key,
            checkpoint,
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn expected() -> BTreeMap<String, Expected> {
    let text = fs::read(folder().join("bundles/verdicts.json")).expect("the verdicts");
    serde_json::from_slice(&text).expect("JSON")
}

async fn ours(path: &Path, given: Expected) -> Expected {
    let kept = given.checkpoint.iter();
    let trust = Trust {
        key: given.key.as_ref().map(|key| key.parse().expect("a key")),
        checkpoints: kept
            .map(|file| fs::read_to_string(folder().join(file)).expect("a checkpoint"))
            .collect(),
    };
    match judge_with(path, &trust).await {
        Verdict::Verified(summary) => Expected {
            verdict: "verified".to_owned(),
            position: Some(summary.head.position),
            hash: Some(summary.head.hash.to_string()),
            signed: summary.vouched.map(|vouched| vouched.size),
            ..given
        },
        Verdict::Broken(flaw) => Expected {
            verdict: "broken".to_owned(),
            position: flaw.position,
            up_to: flaw.up_to,
            ..given
        },
    }
}

/// What the verifier in Python says, which shares nothing with us but a page of text.
fn theirs(path: &Path, given: Expected) -> Expected {
    let mut command = Command::new("python3");
    command.arg(folder().join("verify_bundle.py")).arg(path);
    if let Some(key) = &given.key {
        command.args(["--key", key]);
    }
    if let Some(file) = &given.checkpoint {
        command.arg("--checkpoint").arg(folder().join(file));
    }
    let output = command.output().expect("python3 runs");
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr)));
    Expected {
        verdict: answer["verdict"].as_str().expect("a verdict").to_owned(),
        position: answer["position"].as_u64(),
        up_to: answer["up_to"].as_u64(),
        hash: answer["hash"].as_str().map(str::to_owned),
        signed: answer["signed"].as_u64(),
        ..given
    }
}

#[tokio::test]
async fn two_verifiers_say_of_each_vector_what_is_expected() {
    if std::env::var("BOXOFFICE_VECTORS").is_ok_and(|how| how == "write") {
        make_all().await;
    }
    let expected = expected();
    let found = fs::read_dir(folder().join("bundles")).expect("the vectors");
    let found = found
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.ends_with("verdicts.json"));
    let names: Vec<String> = found
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), expected.len(), "{names:?}");
    for (name, expected) in expected {
        let path = folder().join("bundles").join(&name);
        assert_eq!(ours(&path, Expected::given(&name)).await, expected, "{name}");
        assert_eq!(theirs(&path, Expected::given(&name)), expected, "{name}, in Python");
    }
}

async fn make_all() {
    let bundles = folder().join("bundles");
    let _ = fs::remove_dir_all(&bundles);
    fs::create_dir_all(&bundles).expect("a folder");
    let make = |name: &str, change: fn(&mut Vec<Event>)| {
        let mut events = story(12);
        change(&mut events);
        write(&events, &bundles.join(name));
    };
    make("whole", |_| {});
    make("whole.tar", |_| {});
    make("empty", Vec::clear);
    make("edited", |events| {
        events[6].payload = events[6].payload.replace('x', "y");
    });
    make("deleted", |events| drop(events.remove(4)));
    make("inserted", |events| {
        let again = events[4].clone();
        events.insert(5, again);
    });
    make("swapped", |events| events.swap(7, 8));
    make("time_goes_back", |events| {
        events[9].recorded_at_us -= 10_000_000;
        rechain(events);
    });
    make("truncated", |_| {});
    let file = bundles.join("truncated").join(segment_name(1));
    let bytes = fs::read(&file).expect("a segment");
    let text = zstd::decode_all(&*bytes).expect("a text");
    let end = text[..text.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("a line");
    fs::write(file, zstd::encode_all(&text[..=end], 3).expect("packed")).expect("written");
    make("head_cut_off", |_| {});
    let file = bundles.join("head_cut_off").join(MANIFEST);
    let mut manifest: Manifest = serde_json::from_slice(&fs::read(&file).expect("a manifest")).expect("JSON");
    manifest.segments.clear();
    fs::write(file, serde_json::to_vec_pretty(&manifest).expect("JSON")).expect("written");
    make("renamed_segment", |_| {});
    let folder = bundles.join("renamed_segment");
    let mut manifest: Manifest =
        serde_json::from_slice(&fs::read(folder.join(MANIFEST)).expect("a manifest")).expect("JSON");
    fs::rename(folder.join(segment_name(1)), folder.join(segment_name(5))).expect("renamed");
    (manifest.segments[0].first, manifest.segments[0].file) = (5, segment_name(5));
    fs::write(
        folder.join(MANIFEST),
        serde_json::to_vec_pretty(&manifest).expect("JSON"),
    )
    .expect("written");
    make("foreign_file", |_| {});
    fs::write(bundles.join("foreign_file/note.txt"), "look here\n").expect("written");
    make_signed(&bundles);
    let mut verdicts = BTreeMap::new();
    for entry in fs::read_dir(&bundles).expect("the vectors") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let given = Expected::given(&name);
        verdicts.insert(name, ours(&path, given).await);
    }
    let text = serde_json::to_vec_pretty(&verdicts).expect("JSON");
    fs::write(bundles.join("verdicts.json"), [text, b"\n".to_vec()].concat()).expect("written");
}

/// Bundles with what was signed of their log, or of another.
fn make_signed(bundles: &Path) {
    let events = story(12);
    let truth = signed(&events, &[4, 9, 12], &log_key());
    write_with(&events, &truth, &bundles.join("signed"));
    write_with(&events[..10], &truth, &bundles.join("signed_and_cut_off"));
    let changed = changed(events.clone());
    write_with(&changed, &truth, &bundles.join("rechained"));

    // Somebody who makes everything anew has no key of the log's.
    let forger = SigningKey::log("example.org/bundles".parse().expect("a name"), &[0x44; 32]);
    let lie = signed(&changed, &[4, 9, 12], &forger);
    write_with(&changed, &lie, &bundles.join("forged"));

    // A checkpoint that is none, and an event that is wrong: the event is named, wherever the checkpoint stands.
    let mixed = [(4, log_key()), (9, forger), (12, log_key())].map(|(size, key)| NoteLine {
        size: size as u64,
        note: sign(&events, size, &key).sign(&key).to_string(),
    });
    let mixed = Signed::new(Some(log_key().verifier()), mixed.into());
    write_with(&events, &mixed, &bundles.join("one_checkpoint_forged"));
    let mut edited = events.clone();
    edited[6].payload = edited[6].payload.replace('x', "y");
    write_with(&edited, &mixed, &bundles.join("one_checkpoint_forged_and_edited"));

    // What the bundle leaves out, the auditor has kept.
    fs::write(folder().join(KEPT), note(&events, 12)).expect("written");
    write(&changed, &bundles.join("remade"));
    write_with(
        &events[..9],
        &signed(&events, &[4, 9], &log_key()),
        &bundles.join("restored"),
    );
}

/// Another payload at position 7, and a chain that bears it out.
fn changed(events: Vec<Event>) -> Vec<Event> {
    let mut events = events;
    events[6].payload = events[6].payload.replace('x', "y");
    rechain(&mut events);
    events
}
