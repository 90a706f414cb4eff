//! What makes the log evidence: a Merkle tree beside the chain, checkpoints of it signed with a key that the database does
//! not hold, and proofs that anybody can check without either.
//!
//! `tree`, `note` and `receipt` are pure: whoever verifies needs nothing else.

mod keeper;
pub mod note;
mod publish;
pub mod receipt;
#[cfg(test)]
mod tests;
pub mod tree;
mod witness;

pub use keeper::{
    Alarm, Consistency, Inclusion, Memory, Notary, NotaryDeps, NotaryLimits, NotarySettings, ProveError,
    SignedCheckpoint, Standing, StoreError, forget, latest_checkpoint, list_checkpoints,
};
pub use note::{Checkpoint, CheckpointError, KeyError, KeyName, Opened, SignedNote, SigningKey, VerifierKey};
pub use publish::{BucketSettings, Destination};
pub use tree::{Frontier, Hash};
pub use witness::{NoWitness, Witness};
