//! Signed notes (C2SP `signed-note`), checkpoints in them (`tlog-checkpoint`), and what witnesses add (`tlog-cosignature`). Pure.

mod checkpoint;
mod key;
mod signature;
mod signed_note;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, CheckpointError, Opened};
pub use key::{KeyError, KeyName, SigningKey, VerifierKey};
pub use signature::{Cosigned, Signature};
pub use signed_note::{NoteError, SIGNATURES_MAX, SignedNote};
