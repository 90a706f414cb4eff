//! The server's side of EventStoreDB's protocol, generated from the files that its client publishes: for a double of it.

include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
