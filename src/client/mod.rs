//! An outside client of a running boxoffice: its process, its HTTP API, and waiting for what happens by itself.
//!
//! The demo and the integration tests see boxoffice only through this module, as a shop's own software would.

pub mod http;
pub mod server;
pub mod wait;

pub use http::{Answer, Caller};
pub use server::{Server, ServerOptions};
pub use wait::eventually;
