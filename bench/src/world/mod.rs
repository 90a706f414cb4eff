//! What is measured in: a database cluster of its own, the server, the load generator, the machine.

mod cluster;
mod machine;
mod server;
mod wrk;

pub(crate) use cluster::{Cluster, Database, Kind};
pub(crate) use machine::Machine;
pub(crate) use server::{Shop, token};
pub(crate) use wrk::{Report, Script, Wrk};
