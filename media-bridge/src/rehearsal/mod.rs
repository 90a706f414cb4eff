//! Audio clients that speak and measure what they hear: for the demo, for rehearsals, and for tests with real media.

mod clients;
mod event;
mod tally;

pub use clients::{AudioClients, RehearsalError, WaitError};
pub use event::{AudioEvent, Reported};
pub use tally::{Heard, Tally};
