//! Hold expiry: an unpaid hold gives its seat back when its time is over, and its payments are called off.
//!
//! Deciding needs no timer (`HoldSeat` releases what lapsed before it); the timer makes sure that somebody looks.

mod lapse;
mod react;

pub use lapse::{lapse_ticket, release_lapsed};
pub use react::react;
