//! What the log was at a size, in three lines.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::{KeyName, NoteError, SignedNote, SigningKey, VerifierKey};
use crate::tree::Hash;

/// The tree of a log at a size. Who signs one says that the log never held anything else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log: also the name of the key that signs.
    pub origin: String,
    /// How many events, which is the position of the last one.
    pub size: u64,
    pub root: Hash,
}

/// A checkpoint that was verified, with the note that it is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    pub checkpoint: Checkpoint,
    pub note: SignedNote,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the note is no checkpoint: {0}")]
    Malformed(&'static str),
    #[error("the checkpoint is of the log {found}, not of {expected}")]
    OtherLog { expected: String, found: String },
}

impl Checkpoint {
    /// The log's own word.
    pub fn sign(&self, key: &SigningKey) -> SignedNote {
        SignedNote::signed(self.to_string(), key)
    }

    /// Reads a checkpoint that the owner of `key` signed as the log of its name.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Opened, CheckpointError> {
        let note: SignedNote = note.parse()?;
        note.verify(key)?;
        let checkpoint: Self = note.text().parse()?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::OtherLog {
                expected: key.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(Opened { checkpoint, note })
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root);
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Lines behind the third are somebody else's, and say nothing here.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let text = text.strip_suffix('\n').ok_or(malformed("its last line does not end"))?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, others @ ..] = &lines[..] else {
            return Err(malformed("it has fewer than three lines"));
        };
        if others.iter().any(|line| line.is_empty()) {
            return Err(malformed("it has an empty line"));
        }
        let origin: KeyName = origin.parse().map_err(|_| malformed("its origin is no name"))?;
        let parsed: u64 = size.parse().map_err(|_| malformed("its size is no number"))?;
        if parsed.to_string() != **size {
            return Err(malformed("its size is not written as it should be"));
        }
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        Ok(Self {
            origin: origin.as_str().to_owned(),
            size: parsed,
            root: root.ok_or(malformed("its root is no hash"))?,
        })
    }
}
