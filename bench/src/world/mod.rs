//! What is measured in: a database cluster of its own, the server, the load generators, the machine.

mod cluster;
mod machine;
mod server;
mod vegeta;
mod wrk;

pub(crate) use cluster::{Cluster, Database, Kind};
pub(crate) use machine::Machine;
pub(crate) use server::{Shop, token};
pub(crate) use vegeta::Trickle;
pub(crate) use wrk::{Report, Script, Wrk};
