//! Files: whole or not there, and what a recorder left that was killed.

use std::fs;
use std::io::ErrorKind;

use domain::room::AudioFormat;
use domain::{Timestamp, UserId};
use uuid::Uuid;

use super::super::Storage;
use super::super::manifest::{Heard, Notes, PartManifest, Spoke};
use super::{at, part};

const WAV: AudioFormat = AudioFormat::Wav;
/// A second and half a sample.
const BYTES: usize = 44 + 96_000 + 1;

fn heard(who: &str, from_ms: u64, to_ms: u64) -> Heard {
    let identity = who.to_owned();
    Heard {
        identity,
        from_ms,
        to_ms,
    }
}

#[test]
fn a_part_that_was_cut_off_is_made_whole_and_measured_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::open(folder.path()).expect("a folder");
    let part = part(1);
    assert_eq!(storage.leftover_since(&part, WAV), None);
    storage.make_folder(&part).expect("a folder");
    let (draft, notes) = storage.drafts(&part, WAV);
    fs::write(&draft, vec![0; BYTES]).expect("a file");
    let lines = r#"{"started_at_ms": 1800000005000}
{"who": "ann", "from_ms": 100}
{"who": "bob", "from_ms": 200}
{"who": "ann", "to_ms": 400}
{"who": "an"#;
    fs::write(notes, lines).expect("a file");
    assert_eq!(storage.leftover_since(&part, WAV), Some(at(5)));

    let first = storage.collect(&part, WAV).expect("a part");
    assert_eq!((first.began_at, first.duration_ms), (Some(at(5)), Some(1_000)));
    assert_eq!(
        first.heard.as_deref(),
        Some(&[heard("ann", 100, 400), heard("bob", 200, 1_000)][..])
    );
    let whole = fs::read(storage.audio(&part, WAV)).expect("a file");
    assert_eq!((whole.len(), &whole[..4]), (44 + 96_000, &b"RIFF"[..]));
    assert_eq!(u32::from_le_bytes(whole[40..44].try_into().expect("bytes")), 96_000);
    assert!(!draft.exists());
    assert_eq!(storage.collect(&part, WAV).expect("a part"), first, "after a crash");
}

#[test]
fn nobody_collects_what_is_still_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::open(folder.path()).expect("a folder");
    storage.make_folder(&part(1)).expect("a folder");
    let (draft, _) = storage.drafts(&part(1), WAV);
    fs::write(&draft, vec![0; BYTES]).expect("a file");
    let writer = fs::File::open(&draft).expect("a file");
    writer.lock().expect("a lock");
    let refused = storage.collect(&part(1), WAV).expect_err("it is written");
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    drop(writer);
    assert!(storage.collect(&part(1), WAV).expect("a part").file.is_some());
}

#[test]
fn a_part_without_sound_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::open(folder.path()).expect("a folder");
    storage.make_folder(&part(1)).expect("a folder");
    fs::write(storage.drafts(&part(1), WAV).0, vec![0; 44]).expect("a file");
    assert_eq!(storage.collect(&part(1), WAV).expect("a part").file, None);
}

#[test]
fn the_manifest_has_every_part_once_and_goes_with_the_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::open(folder.path()).expect("a folder");
    let about = |number, duration_ms| PartManifest {
        part: number,
        format: WAV,
        began_at: at(0),
        ended_at: at(1),
        duration_ms,
        broke_off: false,
        file: None,
        spoke: Some(vec![Spoke {
            user: UserId::from_uuid(Uuid::from_u128(9)),
            from_ms: 0,
            to_ms: 500,
        }]),
    };
    for (number, duration_ms) in [(2, 7), (1, 5), (2, 6)] {
        let noted = storage.note(&part(number), about(number, duration_ms));
        noted.expect("a manifest");
    }
    let path = storage.manifest(part(1).room, part(1).recording);
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    let parts: Vec<_> = [0, 1]
        .map(|place| manifest["parts"][place]["duration_ms"].as_u64())
        .into();
    assert_eq!(parts, [Some(5), Some(6)]);
    for _ in 0..2 {
        storage.erase(part(1).room, part(1).recording).expect("erased");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn notes_that_say_nothing_are_none() {
    assert_eq!(Notes::read("", 5), Notes::default());
    assert_eq!(Notes::read("nonsense\n{}", 5).began_at, None::<Timestamp>);
}
