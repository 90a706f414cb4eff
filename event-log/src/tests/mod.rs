//! What the log promises, against the memory log and against a real PostgreSQL.

mod ahead;
mod append_only;
mod contract;
mod copied;
mod eviction;
mod faults;
mod feed;
pub(crate) mod hall;
mod hot;
mod large;
mod leaders;
mod many_logs;
mod proxy;
mod races;
pub(crate) mod rules;
mod snapshots;
mod stock;
mod subscriptions;
mod support;
