//! Hold expiry: an unpaid hold gives its seat back when its time is over, and its payments are called off.
//!
//! Deciding needs no timer (`HoldSeat` releases what lapsed before it); the timer makes sure that somebody looks.
//! There is one timer for each room that has holds: it rings for the next hold to lapse, and sets itself to the one after.
//! The same timer serves the waiting list: an offer is a hold, and who paid too late waits until a moment of their own.

mod lapse;
mod react;

pub use lapse::{lapse_holds, lapse_ticket, release_lapsed};
pub use react::react;
