//! The HTTP server: an accept loop of our own, because a server that everybody can reach must end what holds it up.
//!
//! Invariants: there are never more connections than `connections`, nor more from one address than it may have; one that does not finish the head of a request, or
//! does not take its answer, is closed within the limit for it; a connection beyond the limit is told so at once.

mod patient;
mod places;
mod serve;

pub use serve::{ServerLimits, serve};
