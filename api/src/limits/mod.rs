//! What keeps one caller from taking the place of others, and a rush from taking everybody's time.
//!
//! Invariants: whoever is refused here is refused before anything is decided, at once, with the time to come back; what
//! is remembered of callers is bounded; health and the providers' webhooks are never refused by address; a place inside is
//! taken once the whole request is there.

mod address;
mod bodies;
mod door;
mod guard;
mod rate;
mod rooms;
#[cfg(test)]
mod tests;

pub use address::TrustedProxies;
pub(crate) use address::network;
pub use guard::{Limits, LimitsConfig};
pub use rate::Rate;
