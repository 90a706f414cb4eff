//! The table of jobs: how they get in, how workers take them, and what an operator sees.

mod admin;
mod endings;
mod queue;
mod timers;

pub use admin::{JobCounts, JobRow, JobState, count, list, prune, rerun, rerun_dead};
pub(crate) use endings::Endings;
pub use queue::BACKOFF_MAX;
pub(crate) use queue::{Claimed, Lane, backoff, claim, cut, next_run_at, record, store};
pub(crate) use timers::set_timers;
