//! The manifest: what a bundle consists of. It is written last, so a folder without one is no bundle.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::Hash;

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`](super::FORMAT)
    pub format: String,
    pub made_at: Timestamp,
    /// The program and its version.
    pub made_by: String,
    /// In all segments together.
    pub events: u64,
    /// The last event; position 0 and zeros for a log without any.
    pub head: HeadEntry,
    /// In the order of the log.
    pub segments: Vec<SegmentEntry>,
    /// What else is in the bundle.
    pub files: Vec<FileEntry>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadEntry {
    pub position: u64,
    pub hash: Hash,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    pub file: String,
    /// The positions of its first and its last event.
    pub first: u64,
    pub last: u64,
    pub events: u64,
    /// Of the text, when it is decompressed.
    pub text_bytes: u64,
    /// Of the file as it is.
    pub bytes: u64,
    pub sha256: Hash,
    /// The chain's value at `last`.
    pub hash: Hash,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    pub file: String,
    pub bytes: u64,
    pub sha256: Hash,
}
