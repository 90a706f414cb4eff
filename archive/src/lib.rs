//! The log as evidence: bundles that leave the house, and come back.
//!
//! A bundle is the whole log as it is stored, with what it takes to check it: `docs/LOG-FORMAT.md` says how it is laid out, so
//! exactly that others can read and check one without this crate. Whoever exports judges nothing, and whoever verifies believes
//! nothing of what the exporter says: each hash is computed anew, and the first position that is otherwise is named.
//!
//! Everything goes piece by piece, in bounded memory, however long the log is.

mod bundle;
mod check;
mod error;
mod export;
mod format;
mod import;
#[cfg(test)]
mod tests;

pub use bundle::Bundle;
pub use check::{Flaw, Summary, Trust, Verdict, Vouched, check, verify};
pub use error::ArchiveError;
pub use event_log::stretches::RawEvent;
pub use export::{ExportOptions, Exported, export};
pub use format::{FORMAT, FileEntry, Hash, HeadEntry, Manifest, NoHash, SegmentEntry};
pub use import::{Imported, import, require_empty};
