//! The notary at work on a real log.

mod bucket;
mod publishing;
mod signing;
mod support;
mod tampering;
mod vectors;
mod witness_server;
mod witnessing;
