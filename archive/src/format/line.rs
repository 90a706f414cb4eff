//! A line of a segment: one event, exactly as it is stored.
//!
//! A line is a JSON object, so anybody can read it; its members come in one order and are written in one way, so that each of
//! its bytes follows from what the hash vouches for. Payload and metadata stand in it byte by byte, after their lengths: whoever
//! counts them off from the end of the line needs no JSON parser to have exactly what was hashed.

use std::io::Write as _;

use domain::Timestamp;
use event_log::chain::Leaf;
use event_log::stretches::RawEvent;
use thiserror::Error;

use super::hash::{HEX_LENGTH, Hash};

/// Why an event has no line. Nothing that boxoffice records is so.
pub(crate) type Unwritable = &'static str;

/// Adds the event's line, with the line break that ends it.
pub(crate) fn write_line(text: &mut Vec<u8>, event: &RawEvent<'_>) -> Result<(), Unwritable> {
    let leaf = &event.leaf;
    let names = [
        leaf.aggregate_type,
        leaf.aggregate_id,
        leaf.event_type,
        leaf.event_version,
    ];
    if !names.iter().all(|name| is_plain(name)) {
        return Err("a name in it has a character that names do not have");
    }
    if leaf.payload.contains(&b'\n') || leaf.metadata.contains(&b'\n') {
        return Err("its payload or metadata has a line break");
    }
    let _ = write!(
        text,
        r#"{{"position":{},"aggregate_type":"{}","aggregate_id":"{}","sequence":{},"event_type":"{}","event_version":"{}","recorded_at_us":{},"hash":""#,
        leaf.position,
        leaf.aggregate_type,
        leaf.aggregate_id,
        leaf.sequence,
        leaf.event_type,
        leaf.event_version,
        leaf.recorded_at.timestamp_micros(),
    );
    text.extend_from_slice(&Hash(event.hash).hex());
    let (metadata, payload) = (leaf.metadata, leaf.payload);
    let _ = write!(
        text,
        r#"","metadata_bytes":{},"payload_bytes":{},"metadata":"#,
        metadata.len(),
        payload.len()
    );
    text.extend_from_slice(metadata);
    text.extend_from_slice(br#","payload":"#);
    text.extend_from_slice(payload);
    text.extend_from_slice(b"}\n");
    Ok(())
}

/// Nothing that JSON would write otherwise.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// The line is not written as a bundle's lines are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("its line is not written as the format says, from byte {at} on")]
pub(crate) struct LineError {
    pub(crate) at: usize,
}

/// Reads a line, without its line break.
pub(crate) fn read_line(line: &[u8]) -> Result<RawEvent<'_>, LineError> {
    let mut rest = line;
    event(&mut rest).ok_or(LineError {
        at: line.len() - rest.len(),
    })
}

fn event<'a>(rest: &mut &'a [u8]) -> Option<RawEvent<'a>> {
    word(rest, br#"{"position":"#)?;
    let position = number(rest)?;
    word(rest, br#","aggregate_type":""#)?;
    let aggregate_type = name(rest)?;
    word(rest, br#","aggregate_id":""#)?;
    let aggregate_id = name(rest)?;
    word(rest, br#","sequence":"#)?;
    let sequence = number(rest)?;
    word(rest, br#","event_type":""#)?;
    let event_type = name(rest)?;
    word(rest, br#","event_version":""#)?;
    let event_version = name(rest)?;
    word(rest, br#","recorded_at_us":"#)?;
    let recorded_at = time(rest)?;
    word(rest, br#","hash":""#)?;
    let hash = Hash::from_hex(bytes(rest, HEX_LENGTH)?)?.0;
    word(rest, br#"","metadata_bytes":"#)?;
    let metadata_bytes = usize::try_from(number(rest)?).ok()?;
    word(rest, br#","payload_bytes":"#)?;
    let payload_bytes = usize::try_from(number(rest)?).ok()?;
    word(rest, br#","metadata":"#)?;
    let metadata = bytes(rest, metadata_bytes)?;
    word(rest, br#","payload":"#)?;
    let payload = bytes(rest, payload_bytes)?;
    word(rest, b"}")?;
    rest.is_empty().then_some(RawEvent {
        leaf: Leaf {
            position,
            aggregate_type,
            aggregate_id,
            sequence,
            event_type,
            event_version,
            recorded_at,
            payload,
            metadata,
        },
        hash,
    })
}

fn word(rest: &mut &[u8], expected: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(expected)?;
    Some(())
}

fn bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// Up to a quotation mark, which is taken too.
fn name<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let text = std::str::from_utf8(bytes(rest, end)?).ok()?;
    word(rest, b"\"")?;
    is_plain(text).then_some(text)
}

/// Decimal digits, without zeros in front: a number is written in one way.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = bytes(rest, length)?;
    if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// Microseconds since 1970, negative before.
fn time(rest: &mut &[u8]) -> Option<Timestamp> {
    let is_before = rest.first() == Some(&b'-');
    if is_before {
        word(rest, b"-")?;
    }
    let micros = number(rest)?;
    let micros = if is_before {
        0_i64.checked_sub_unsigned(micros).filter(|micros| *micros < 0)?
    } else {
        i64::try_from(micros).ok()?
    };
    Timestamp::from_timestamp_micros(micros)
}
