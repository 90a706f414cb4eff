//! A bundle that somebody has been at: each time the first wrong position is named, and what is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::story::{
    Event, flaw, flaw_with, judge, judge_with, log_key, note, rechain, signed, story, write, write_with,
};
use crate::export::Signed;
use crate::format::{CHECKPOINTS, KEY, MANIFEST, NoteLine, SCHEMA, SEGMENT_EVENTS, segment_name};
use crate::{ArchiveError, Bundle, Manifest, Trust, Verdict, verify};

const EVENTS: u64 = 40;

struct Copy {
    _scratch: TempDir,
    path: PathBuf,
}

/// The bundle of a story that was changed.
fn bundle(events: u64, change: impl FnOnce(&mut Vec<Event>)) -> Copy {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("bundle");
    let mut events = story(events);
    change(&mut events);
    write(&events, &path);
    Copy {
        _scratch: scratch,
        path,
    }
}

/// The bundle of a story, and what it says was signed.
fn with_checkpoints(events: u64, signed: &Signed) -> Copy {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("bundle");
    write_with(&story(events), signed, &path);
    Copy {
        _scratch: scratch,
        path,
    }
}

impl Copy {
    fn edit_manifest(&self, change: impl FnOnce(&mut Manifest)) {
        let path = self.path.join(MANIFEST);
        let mut manifest = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    }

    fn segment(&self, first: u64) -> PathBuf {
        self.path.join(segment_name(first))
    }

    /// The text of a segment, changed, as somebody packs it who minds neither lengths nor hashes.
    fn edit_text(&self, first: u64, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let path = self.segment(first);
        let text = zstd::decode_all(&*fs::read(&path).unwrap()).unwrap();
        fs::write(path, zstd::encode_all(&*change(text), 1).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_whole_bundle_is_verified_as_a_folder_and_as_a_file() {
    let scratch = TempDir::new().unwrap();
    let events = story(EVENTS);
    for name in ["bundle", "bundle.tar"] {
        let path = scratch.path().join(name);
        write(&events, &path);
        let Verdict::Verified(summary) = judge(&path).await else {
            panic!("{name} does not verify");
        };
        assert_eq!((summary.events, summary.head.position), (EVENTS, EVENTS));
        assert_eq!(summary.head.hash.0, events.last().unwrap().hash);
    }
    let left: Vec<_> = fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "no draft is left: {left:?}");
}

#[tokio::test]
async fn a_log_without_events_has_a_bundle_too() {
    let copy = bundle(0, |_| {});
    assert!(matches!(judge(&copy.path).await, Verdict::Verified(summary) if summary.events == 0));
}

#[tokio::test]
async fn whatever_is_edited_is_named() {
    type Edit = fn(&mut Event);
    let edits: [Edit; 7] = [
        |event| event.payload = event.payload.replace('1', "2"),
        |event| event.metadata.push(' '),
        |event| event.recorded_at_us += 1,
        |event| event.kind = "room_ended".to_owned(),
        |event| event.stream.1 = event.stream.1.replace('0', "f"),
        |event| event.sequence += 1,
        |event| event.hash[31] ^= 1,
    ];
    for (nth, edit) in edits.into_iter().enumerate() {
        let copy = bundle(EVENTS, |events| edit(&mut events[24]));
        let (position, reason) = flaw(&copy.path).await;
        assert_eq!(position, Some(25), "edit {nth}: {reason}");
        assert!(reason.ends_with("is not what was recorded"), "edit {nth}: {reason}");
    }
}

#[tokio::test]
async fn what_is_deleted_inserted_or_swapped_is_named() {
    let deleted = bundle(EVENTS, |events| drop(events.remove(9)));
    assert_eq!(
        flaw(&deleted.path).await,
        (Some(10), "missing: the log goes on at 11".to_owned())
    );

    let inserted = bundle(EVENTS, |events| {
        let again = events[9].clone();
        events.insert(10, again);
    });
    assert_eq!(
        flaw(&inserted.path).await,
        (Some(11), "the log has position 10 here".to_owned())
    );

    let swapped = bundle(EVENTS, |events| {
        events.swap(14, 15);
        let (first, second) = (events[14].position, events[15].position);
        (events[14].position, events[15].position) = (second, first);
    });
    let (position, reason) = flaw(&swapped.path).await;
    assert_eq!(position, Some(15), "{reason}");

    let earlier = bundle(EVENTS, |events| {
        events[19].recorded_at_us = events[18].recorded_at_us - 1;
        rechain(events);
    });
    let expected = "it was recorded before the event that precedes it".to_owned();
    assert_eq!(flaw(&earlier.path).await, (Some(20), expected));
}

#[tokio::test]
async fn what_is_cut_off_is_named() {
    // Of the last line the end, the line feed, all of the line, all but the first line.
    for (bytes, position) in [(10, EVENTS), (1, EVENTS)] {
        let copy = bundle(EVENTS, |_| {});
        copy.edit_text(1, |text| text[..text.len() - bytes].to_vec());
        assert_eq!(flaw(&copy.path).await.0, Some(position));
    }
    let copy = bundle(EVENTS, |_| {});
    copy.edit_text(1, |text| {
        let end = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        text[..=end].to_vec()
    });
    let (position, reason) = flaw(&copy.path).await;
    assert_eq!(
        (position, reason.contains("should go on up to 40")),
        (Some(EVENTS), true),
        "{reason}"
    );

    let copy = bundle(EVENTS, |_| {});
    let file = fs::read(copy.segment(1)).unwrap();
    fs::write(copy.segment(1), &file[..file.len() / 2]).unwrap();
    let (position, reason) = flaw(&copy.path).await;
    assert!(
        position.is_some() && reason.contains("ends in the middle"),
        "{position:?}: {reason}"
    );
}

#[tokio::test]
async fn segments_are_one_log() {
    let events = SEGMENT_EVENTS * 2 + 5;
    let second = SEGMENT_EVENTS + 1;
    let whole = bundle(events, |_| {});
    assert_eq!(Bundle::open(&whole.path).unwrap().manifest().segments.len(), 3);
    assert!(matches!(judge(&whole.path).await, Verdict::Verified(summary) if summary.events == events));

    fs::rename(whole.segment(second), whole.path.join("aside")).unwrap();
    let (position, reason) = flaw(&whole.path).await;
    assert_eq!(
        (position, reason.contains("is missing")),
        (Some(second), true),
        "{reason}"
    );
    fs::copy(whole.segment(1), whole.segment(second)).unwrap();
    assert_eq!(
        flaw(&whole.path).await,
        (Some(second), "the log has position 1 here".to_owned())
    );
    fs::rename(whole.path.join("aside"), whole.segment(second)).unwrap();
    assert!(matches!(judge(&whole.path).await, Verdict::Verified(_)));

    whole.edit_manifest(|manifest| drop(manifest.segments.pop()));
    let (position, reason) = flaw(&whole.path).await;
    assert_eq!(position, Some(SEGMENT_EVENTS * 2 + 1), "{reason}");
    whole.edit_manifest(|manifest| manifest.segments[0].hash.0[0] ^= 1);
    let (position, reason) = flaw(&whole.path).await;
    assert_eq!(
        (position, reason.contains("the manifest")),
        (Some(SEGMENT_EVENTS), true),
        "{reason}"
    );
}

#[tokio::test]
async fn the_manifest_and_the_files_are_of_one_mind() {
    let packed_anew = bundle(EVENTS, |_| {});
    packed_anew.edit_text(1, |text| text);
    let (position, reason) = flaw(&packed_anew.path).await;
    assert_eq!(
        (position, reason.contains("is not the file")),
        (Some(1), true),
        "{reason}"
    );

    let schema = bundle(EVENTS, |_| {});
    fs::write(schema.path.join(SCHEMA), "{}").unwrap();
    let expected = "schema.json is not the file that the manifest lists".to_owned();
    assert_eq!(flaw(&schema.path).await, (None, expected));
    fs::remove_file(schema.path.join(SCHEMA)).unwrap();
    assert_eq!(flaw(&schema.path).await, (None, "schema.json is missing".to_owned()));

    let more = bundle(EVENTS, |_| {});
    fs::write(more.path.join("note.txt"), "look here").unwrap();
    assert_eq!(
        flaw(&more.path).await,
        (None, "note.txt is not listed by the manifest".to_owned())
    );

    let count = bundle(EVENTS, |_| {});
    count.edit_manifest(|manifest| manifest.events += 1);
    assert_eq!(flaw(&count.path).await.0, None);
    count.edit_manifest(|manifest| (manifest.events, manifest.head.position) = (EVENTS, EVENTS + 1));
    assert_eq!(flaw(&count.path).await.0, Some(EVENTS + 1));
}

#[tokio::test]
async fn checkpoints_are_held_against_all_segments() {
    let events = SEGMENT_EVENTS + 100;
    let told = story(events);
    let end = usize::try_from(events).unwrap();
    let sizes = [1, 16_383, 16_384, 16_385, end];
    let copy = with_checkpoints(events, &signed(&told, &sizes, &log_key()));
    let Verdict::Verified(summary) = judge(&copy.path).await else {
        panic!("it does not verify");
    };
    let vouched = summary.vouched.unwrap();
    assert_eq!((vouched.size, vouched.checkpoints), (events, 5));

    let mut changed = told.clone();
    changed[16_384].metadata.push(' ');
    rechain(&mut changed);
    let copy = bundle(0, |events| *events = changed);
    let trust = Trust {
        key: Some(log_key().verifier()),
        checkpoints: vec![note(&told, 16_385), note(&told, 16_384)],
    };
    let flaw = flaw_with(&copy.path, &trust).await;
    assert_eq!((flaw.position, flaw.up_to), (Some(16_385), None), "{flaw}");
}

#[tokio::test]
async fn a_checkpoint_that_is_none_is_no_evidence() {
    let told = story(EVENTS);
    let signed_by = |line: NoteLine| Signed::new(Some(log_key().verifier()), vec![line]);
    let (size, text) = (EVENTS, note(&told, 40));
    let edited = text.replacen("\n40\n", "\n39\n", 1);
    for (size, note, reason) in [
        (
            39,
            edited,
            "the signature by example.org/bundles does not go with the note",
        ),
        (39, text.clone(), "the checkpoint is not in its place"),
        (
            size,
            "no note".to_owned(),
            "does not end with a blank line and signatures",
        ),
    ] {
        let copy = with_checkpoints(EVENTS, &signed_by(NoteLine { size, note }));
        let (position, said) = flaw(&copy.path).await;
        assert!(position.is_none() && said.contains(reason), "{position:?}: {said}");
    }
    let twice = [40, 20].map(|size| NoteLine {
        size,
        note: note(&told, usize::try_from(size).unwrap()),
    });
    let copy = with_checkpoints(EVENTS, &Signed::new(Some(log_key().verifier()), twice.to_vec()));
    let (position, said) = flaw(&copy.path).await;
    assert!(position.is_none() && said.contains("is not in its place"), "{said}");
}

#[tokio::test]
async fn what_was_signed_does_not_get_lost_unseen() {
    let told = story(EVENTS);
    let whole = || with_checkpoints(EVENTS, &signed(&told, &[20, 40], &log_key()));
    for name in [KEY, CHECKPOINTS] {
        let copy = whole();
        fs::remove_file(copy.path.join(name)).unwrap();
        let (position, said) = flaw(&copy.path).await;
        assert!(position.is_none() && said.starts_with(name), "{said}");
        let copy = whole();
        fs::write(copy.path.join(name), "x").unwrap();
        let (position, said) = flaw(&copy.path).await;
        assert!(position.is_none() && said.starts_with(name), "{said}");
    }
    // Half of the file, and the manifest made to list it so.
    let copy = whole();
    let file = copy.path.join(CHECKPOINTS);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (position, said) = flaw(&copy.path).await;
    assert!(position.is_none() && said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn what_somebody_brings_is_judged_by_a_key_he_trusts() {
    let told = story(EVENTS);
    let copy = bundle(EVENTS, |_| {});
    let checkpoints = vec![note(&told, 30)];
    let keyless = Trust {
        key: None,
        checkpoints: checkpoints.clone(),
    };
    let judged = |trust: Trust| {
        let bundle = Arc::new(Bundle::open(&copy.path).unwrap());
        async move { verify(&bundle, &trust).await }
    };
    assert!(matches!(judged(keyless).await, Err(ArchiveError::NoKey)));
    let other = notary::SigningKey::log("example.org/other".parse().unwrap(), &[9; 32]);
    let foreign = Trust {
        key: Some(other.verifier()),
        checkpoints: checkpoints.clone(),
    };
    assert!(matches!(judged(foreign).await, Err(ArchiveError::Checkpoint(_))));
    let trust = Trust {
        key: Some(log_key().verifier()),
        checkpoints,
    };
    let Verdict::Verified(summary) = judge_with(&copy.path, &trust).await else {
        panic!("it does not verify");
    };
    assert_eq!(summary.vouched.map(|vouched| vouched.size), Some(30));
}

#[test]
fn what_is_no_bundle_is_not_judged() {
    let scratch = TempDir::new().unwrap();
    let refused = |path: &Path| Bundle::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(refused(scratch.path()).contains("there is no manifest.json"));
    let file = scratch.path().join("file");
    fs::write(&file, "no tar").unwrap();
    assert!(refused(&file).contains("is no bundle"));
    let copy = bundle(EVENTS, |_| {});
    copy.edit_manifest(|manifest| manifest.format = "boxoffice/bundle/2".to_owned());
    assert!(refused(&copy.path).contains("only \"boxoffice/bundle/1\" is known"));
    let copy = bundle(EVENTS, |_| {});
    copy.edit_manifest(|manifest| manifest.segments[0].file = "../../etc/passwd".to_owned());
    assert!(refused(&copy.path).contains("is no segment's name"));
}
