//! The real binary on a real PostgreSQL, while both are killed, cut off, filled up and lied to. After each blow the
//! independent checker reads the log, and what clients wrote down as acknowledged to them.
//!
//! `FAULT_ROUNDS=200` is the long form (`make faults`); `FAULT_SEED` plays a run again.

mod arena;
mod blow;
mod clocks;
mod cluster;
mod crowd;
mod disks;
#[cfg(feature = "esdb")]
mod engine;
mod leaders;
mod proxy;
mod record;
mod rounds;
mod tools;
