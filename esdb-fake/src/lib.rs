//! A double of EventStoreDB: as much of the engine as tests need, with its memory and its bad days, spoken to over the
//! protocol that its client publishes. It keeps nothing on the disk.

mod cluster;
mod fault;
mod feed;
mod prompt;
mod server;
mod service;
mod store;

pub use fault::{Fault, Faults, ReadFault};
pub use server::EsdbFake;
pub use store::{Held, Store};
