//! What leaves the shop: webhooks to its own systems, and e-mail to people.
//!
//! Invariants: whatever is sent may arrive twice and says so by an id that is the same each time; every call has a limit
//! of time; no address, no secret and no text of a letter is ever logged.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod mail;
pub mod webhooks;
