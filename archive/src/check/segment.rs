//! One segment: decompressed, read line by line, and chained anew.

use std::io::{self, Read};

use event_log::chain;
use event_log::stretches::RawEvent;
use sha2::{Digest as _, Sha256};
use zstd::Decoder;

use super::{Flaw, is_of_the_bundle};
use crate::format::{Hash, HeadEntry, LINE_MAX, SEGMENT_EVENTS, SEGMENT_TEXT_MAX, SegmentEntry, WINDOW_LOG, read_line};
use crate::{ArchiveError, Bundle};

pub(super) const TIME_GOES_BACK: &str = "it was recorded before the event that precedes it";

/// What a segment came to.
pub(crate) struct Piece<T> {
    /// The end of it, or the first thing that is wrong.
    pub(crate) reached: Result<HeadEntry, Flaw>,
    /// When its first and its last event were recorded, in microseconds.
    pub(crate) times: Option<(i64, i64)>,
    /// Of the events that are in order.
    pub(crate) leaves: Vec<[u8; 32]>,
    pub(crate) value: T,
}

/// Checks the `nth` segment, as one that follows what the manifest says of the segment before it.
pub(super) fn check<T: Default>(
    bundle: &Bundle,
    nth: usize,
    show: impl Fn(&mut T, &RawEvent<'_>),
) -> Result<Piece<T>, ArchiveError> {
    let segments = &bundle.manifest().segments;
    let entry = &segments[nth];
    let before = nth.checked_sub(1).and_then(|nth| segments.get(nth));
    let mut walk = Walk {
        head: before.map(end_of).unwrap_or_default(),
        times: None,
        events: 0,
        leaves: vec![],
        value: T::default(),
    };
    let text = read(bundle, entry)?;
    let walked = begins(entry, walk.head.position + 1)
        .and_then(|()| walk.lines(&text.bytes, entry, show))
        .and_then(|()| text.check(entry, &walk));
    Ok(Piece {
        reached: walked.map(|()| walk.head),
        times: walk.times,
        leaves: walk.leaves,
        value: walk.value,
    })
}

fn begins(entry: &SegmentEntry, next: u64) -> Result<(), Flaw> {
    if entry.first == next {
        return Ok(());
    }
    let reason = format!(
        "the manifest has {} begin at {}, and the log goes on at {next}",
        entry.file, entry.first
    );
    Err(Flaw::at(next, reason))
}

const fn end_of(entry: &SegmentEntry) -> HeadEntry {
    HeadEntry {
        position: entry.last,
        hash: entry.hash,
    }
}

/// A segment's text as far as it could be read.
struct Text {
    bytes: Vec<u8>,
    /// Why it could not be read to its end.
    trouble: Option<String>,
    file_bytes: u64,
    sha256: Hash,
}

fn read(bundle: &Bundle, entry: &SegmentEntry) -> Result<Text, ArchiveError> {
    let mut text = Text {
        bytes: Vec::new(),
        trouble: None,
        file_bytes: 0,
        sha256: Hash::default(),
    };
    let failed = |source| ArchiveError::file("read a segment of", bundle.path(), source);
    let mut file = match bundle.reader(&entry.file) {
        Ok(file) => Hashing::new(file),
        Err(error) if is_of_the_bundle(error.kind()) => {
            text.trouble = Some("is missing".to_owned());
            return Ok(text);
        }
        Err(error) => return Err(failed(error)),
    };
    let decompressed = decompress(&mut file, &mut text.bytes);
    match decompressed.and_then(|()| file.skip_rest()) {
        Ok(()) if text.bytes.len() as u64 > SEGMENT_TEXT_MAX => {
            text.trouble = Some("is longer than a segment may be".to_owned());
        }
        Ok(()) => {}
        Err(error) if is_of_the_bundle(error.kind()) => text.trouble = Some(format!("ends in the middle ({error})")),
        Err(error) => return Err(failed(error)),
    }
    (text.file_bytes, text.sha256) = file.finish();
    Ok(text)
}

fn decompress(file: &mut impl Read, text: &mut Vec<u8>) -> io::Result<()> {
    let mut decoder = Decoder::new(file)?;
    decoder.window_log_max(WINDOW_LOG)?;
    decoder.take(SEGMENT_TEXT_MAX + 1).read_to_end(text)?;
    Ok(())
}

/// A file, and what its bytes come to.
struct Hashing<R> {
    file: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(|_| ())
    }

    fn finish(self) -> (u64, Hash) {
        (self.bytes, Hash(self.sha256.finalize().into()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.sha256.update(&buffer[..length]);
        self.bytes += length as u64;
        Ok(length)
    }
}

/// The walk along the chain.
struct Walk<T> {
    head: HeadEntry,
    times: Option<(i64, i64)>,
    events: u64,
    leaves: Vec<[u8; 32]>,
    value: T,
}

impl<T> Walk<T> {
    fn lines(&mut self, text: &[u8], entry: &SegmentEntry, show: impl Fn(&mut T, &RawEvent<'_>)) -> Result<(), Flaw> {
        let mut rest = text;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            let position = self.head.position + 1;
            if line.len() as u64 > LINE_MAX || self.events >= SEGMENT_EVENTS {
                return Err(Flaw::at(
                    position,
                    format!("{} is more than a segment may be", entry.file),
                ));
            }
            let event = read_line(line).map_err(|error| Flaw::at(position, error.to_string()))?;
            self.step(&event).map_err(|reason| Flaw::at(position, reason))?;
            show(&mut self.value, &event);
        }
        Ok(())
    }

    fn step(&mut self, event: &RawEvent<'_>) -> Result<(), String> {
        let position = self.head.position + 1;
        let leaf = &event.leaf;
        if leaf.position != position {
            return Err(misplaced(position, leaf.position));
        }
        let hash = leaf.hash();
        let link = chain::link_leaf(&self.head.hash.0, &hash);
        if link != event.hash {
            return Err(format!(
                "{} {} of {}-{} is not what was recorded",
                leaf.event_type, leaf.sequence, leaf.aggregate_type, leaf.aggregate_id
            ));
        }
        let recorded_at = leaf.recorded_at.timestamp_micros();
        let (first, last) = self.times.unwrap_or((recorded_at, recorded_at));
        if recorded_at < last {
            return Err(TIME_GOES_BACK.to_owned());
        }
        self.times = Some((first, recorded_at));
        self.events += 1;
        self.leaves.push(hash);
        self.head = HeadEntry {
            position,
            hash: Hash(link),
        };
        Ok(())
    }
}

fn misplaced(expected: u64, found: u64) -> String {
    if found > expected {
        format!("missing: the log goes on at {found}")
    } else {
        format!("the log has position {found} here")
    }
}

impl Text {
    /// What the manifest says of the segment, when its lines are in order as far as they go.
    fn check<T>(&self, entry: &SegmentEntry, walk: &Walk<T>) -> Result<(), Flaw> {
        let (file, next) = (&entry.file, walk.head.position + 1);
        if let Some(trouble) = &self.trouble {
            return Err(Flaw::at(next, format!("{file} {trouble}")));
        }
        if !self.bytes.ends_with(b"\n") {
            return Err(Flaw::at(next, format!("{file} ends in the middle of a line")));
        }
        if walk.head.position < entry.last {
            let reason = format!("missing: {file} should go on up to {}", entry.last);
            return Err(Flaw::at(next, reason));
        }
        if walk.head != end_of(entry) {
            let reason = format!(
                "the manifest has the chain of {file} end at {} with {}",
                entry.last, entry.hash
            );
            return Err(Flaw::at(walk.head.position.min(entry.last), reason));
        }
        let is_as_listed = self.file_bytes == entry.bytes
            && self.sha256 == entry.sha256
            && self.bytes.len() as u64 == entry.text_bytes
            && walk.events == entry.events;
        if is_as_listed {
            Ok(())
        } else {
            let reason = format!("{file} is not the file that the manifest lists, though its events are in order");
            Err(Flaw::at(entry.first, reason))
        }
    }
}
