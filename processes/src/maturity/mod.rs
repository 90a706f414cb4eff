//! Maturity: what is earned, and what is kept in the reserve, becomes available when its days are over.
//!
//! There is one timer for each host who has something to wait for: it rings for what is due next, and sets itself to what is
//! due after that.

mod mature;
mod react;

pub use mature::mature_earnings;
pub use react::react;
