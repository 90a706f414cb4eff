//! The log on EventStoreDB or KurrentDB: streams `{type}-{id}`, one append for what one stream is to gain, positions as the
//! engine gives them.
//!
//! The engine numbers events by where they lie in its transaction file. So positions grow and have holes, there is no chain
//! to write along (the order of the log is known afterwards), and appends to different streams are recorded in any order.
//! What carries over: an expected revision is exact, an append is recorded whole or not at all, and a read of `$all` from
//! the leader never shows a later event before an earlier one.

pub mod client;
mod clients;
mod delivery;
mod envelope;
mod follow;
mod lanes;
mod limits;
mod log;
mod marks;
mod reader;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientError, Expected, Found, Outgoing, Signal, Subscription, Written};
pub use clients::{ConnectError, EventStore, Kurrent};
pub use limits::EsdbLimits;
pub use log::EsdbLog;
