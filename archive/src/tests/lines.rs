//! Lines: what is written is read again as it was, and nothing else is.

use proptest::prelude::*;

use super::story::{Event, story};
use crate::format::{read_line, write_line};

fn line(event: &Event) -> Vec<u8> {
    let mut text = vec![];
    write_line(&mut text, &event.raw()).expect("a line");
    assert_eq!(text.pop(), Some(b'\n'));
    text
}

fn any_event() -> impl Strategy<Value = Event> {
    let names = ("[ -!#-\\[\\]-~é]{0,12}", "[a-z0-9-]{0,36}", "[a-z_]{0,20}");
    let texts = ("[^\n]{0,80}", "[^\n]{0,80}");
    (
        any::<u64>(),
        any::<u64>(),
        -1_000_000_000_000_000_i64..4_000_000_000_000_000,
        names,
        texts,
        any::<[u8; 32]>(),
    )
        .prop_map(|(position, sequence, recorded_at_us, names, texts, hash)| Event {
            position,
            stream: (names.0, names.1),
            sequence,
            kind: names.2,
            payload: texts.0,
            metadata: texts.1,
            recorded_at_us,
            hash,
        })
}

fn same(event: &Event, line: &[u8]) -> bool {
    let Ok(read) = read_line(line) else { return false };
    let (leaf, own) = (read.leaf, event.raw().leaf);
    let names = |leaf: event_log::chain::Leaf<'_>| {
        [
            leaf.aggregate_type,
            leaf.aggregate_id,
            leaf.event_type,
            leaf.event_version,
        ]
        .map(str::to_owned)
    };
    read.hash == event.hash
        && (leaf.position, leaf.sequence, leaf.recorded_at) == (own.position, own.sequence, own.recorded_at)
        && names(leaf) == names(own)
        && (leaf.payload, leaf.metadata) == (own.payload, own.metadata)
}

proptest! {
    #[test]
    fn an_event_is_read_as_it_was_written(event in any_event()) {
        prop_assert!(same(&event, &line(&event)));
    }

    #[test]
    fn no_byte_of_a_line_can_be_otherwise(event in any_event(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let written = line(&event);
        let mut other = written.clone();
        let at = at.index(other.len());
        other[at] = byte;
        prop_assert!(other == written || !same(&event, &other));
    }

    #[test]
    fn what_is_no_line_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_line(&bytes).is_err());
    }
}

#[test]
fn a_number_is_written_in_one_way() {
    let line = String::from_utf8(line(&story(1)[0])).unwrap();
    assert!(read_line(line.as_bytes()).is_ok());
    for other in [
        r#"{"position":01"#,
        r#"{"position": 1"#,
        r#"{"position":+1"#,
        r#"{"position":1.0"#,
        r#"{"position":"1""#,
    ] {
        let other = line.replacen(r#"{"position":1"#, other, 1);
        assert!(read_line(other.as_bytes()).is_err(), "{other}");
    }
    let longer = format!("{line} ");
    assert_eq!(read_line(longer.as_bytes()).unwrap_err().at, line.len());
}

#[test]
fn what_boxoffice_never_writes_has_no_line() {
    let mut event = story(1).remove(0);
    event.payload = "{\n}".to_owned();
    assert!(write_line(&mut vec![], &event.raw()).is_err());
    event = story(1).remove(0);
    event.stream.0 = "ro\"om".to_owned();
    assert!(write_line(&mut vec![], &event.raw()).is_err());
}
