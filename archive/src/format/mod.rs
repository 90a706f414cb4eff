//! How a bundle is laid out. `docs/LOG-FORMAT.md` says the same in words; who changes one changes the other.

mod hash;
mod line;
mod manifest;
mod note;

pub use hash::{Hash, NoHash};
pub(crate) use line::{read_line, write_line};
pub use manifest::{FileEntry, HeadEntry, Manifest, SegmentEntry};
pub(crate) use note::{NoteLine, read_note, write_notes};

/// The format's name, and its version.
pub const FORMAT: &str = "boxoffice/bundle/1";

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SCHEMA: &str = "schema.json";
pub(crate) const SEGMENTS: &str = "segments";
pub(crate) const KEY: &str = "key.txt";
pub(crate) const CHECKPOINTS: &str = "checkpoints.ndjson.zst";

/// Events of a segment, and bytes of its text, from which on another one is begun.
pub(crate) const SEGMENT_EVENTS: u64 = 16_384;
pub(crate) const SEGMENT_TEXT: u64 = 16 << 20;
/// A line is no longer: the largest events, of what was seen of 500 stays, have less than a tenth of it.
pub(crate) const LINE_MAX: u64 = 16 << 20;
/// What a segment can come to at most: whoever reads one can count on it.
pub(crate) const SEGMENT_TEXT_MAX: u64 = SEGMENT_TEXT + LINE_MAX;
/// A manifest has some 300 bytes for each 16,384 events.
pub(crate) const MANIFEST_MAX: u64 = 256 << 20;
/// A name and 33 bytes in base64.
pub(crate) const KEY_MAX: u64 = 4 << 10;
/// Checkpoints are spread over the log so that there are no more than this. Each takes a signature to check.
pub(crate) const CHECKPOINTS_MAX: u64 = 10_000;
/// A note is at most a quarter of it, and JSON makes it little longer.
pub(crate) const NOTE_LINE_MAX: u64 = 1 << 20;
/// zstd's own default: higher ones cost more time than their bytes are worth.
pub(crate) const LEVEL: i32 = 3;
/// zstd looks back so far at most (8 MiB), so that reading takes no more memory than that.
pub(crate) const WINDOW_LOG: u32 = 23;

/// The file of the segment that begins with this position.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{SEGMENTS}/{first:020}.ndjson.zst")
}
