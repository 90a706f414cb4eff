//! Writes on a node that does not lead the log go to the one that does.
//!
//! Invariants: a request is passed on at most once; the leader's answer comes back unchanged; a write whose fate is unknown
//! is tried again only if repeating it changes nothing. While no leader can be reached a request waits a little, so that
//! clients seldom notice when another node takes over, and is then told to come back.

mod layer;
mod upstream;

#[cfg(test)]
mod tests;

pub(crate) use layer::Forwarder;
