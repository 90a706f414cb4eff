//! No-show: a room that nobody opened in time is void, and everybody has the money back (`rules.md` 10).
//!
//! There is one timer for each room. A room that is live is judged by what was seen of it, by whoever watches it.

mod react;
mod void;

pub use react::react;
pub use void::void_no_show;
