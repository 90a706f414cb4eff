//! The notary at work: it follows the log, grows the tree, and signs checkpoints of it, on the node that leads.
//!
//! Invariants:
//! - It signs nothing that contradicts what it has signed before. What that was it knows from a file of its own and from where
//!   it publishes, not from the database alone: a database that was restored is found out before anything is signed, and one
//!   that was rewritten with care, tree and all, by the next patrol.
//! - A checkpoint is in its own file before anybody is shown it.
//! - The tree and the checkpoints in the database follow from the log: whatever is lost of them is made again.

mod alarm;
mod handle;
mod limits;
mod memory;
mod patrol;
mod proofs;
mod reader;
mod recall;
mod round;
pub(crate) mod store;
mod term;

pub use alarm::Alarm;
pub(crate) use handle::Shared;
pub use handle::{Notary, NotaryDeps, NotarySettings, Standing, forget, latest_checkpoint, list_checkpoints};
pub use limits::NotaryLimits;
pub use memory::Memory;
pub use proofs::{Consistency, Inclusion, ProveError};
pub use store::{SignedCheckpoint, StoreError};
