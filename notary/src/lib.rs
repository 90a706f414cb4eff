//! What makes the log evidence: a Merkle tree beside the chain, checkpoints of it signed with a key that the database does
//! not hold, and proofs that anybody can check without either.
//!
//! `tree`, `note` and `receipt` are pure: whoever verifies needs nothing else.

pub mod note;
pub mod receipt;
#[cfg(test)]
mod tests;
pub mod tree;

pub use note::{Checkpoint, CheckpointError, KeyError, KeyName, Opened, SignedNote, SigningKey, VerifierKey};
pub use tree::{Frontier, Hash};
