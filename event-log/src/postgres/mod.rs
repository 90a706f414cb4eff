//! The log in PostgreSQL: one table, one writer.
//!
//! Invariants:
//! - Positions are gapless because one sequencer numbers them, and right even if two processes believe they lead, because
//!   `UNIQUE(position)` lets one of them win.
//! - An append is answered with success only after its statement has committed.
//! - When it is unknown whether a statement committed, the identical one is tried again: it either commits now, or is
//!   refused because it did, which its hash proves.
//! - PostgreSQL may go away at any time. Appends then fail within a bounded time, and the log recovers by itself.

pub(crate) mod copy;
mod desk;
mod election;
mod hosts;
mod household;
mod intake;
mod json;
mod lead;
mod loads;
mod log;
#[cfg(test)]
mod model;
mod office;
pub(crate) mod read;
mod sequencer;
mod session;
mod snapshots;
mod standing;
mod statement;
mod trouble;
mod watch;
mod witness;

pub use self::log::{ConnectError, LogSettings, PostgresLog};
pub use hosts::{Hosts, HostsError};
#[cfg(test)]
pub(crate) use snapshots::keep as keep_snapshot;
pub(crate) use standing::replace;
pub(crate) use trouble::is_transient;
pub use witness::{Fork, Witness, WitnessError};
