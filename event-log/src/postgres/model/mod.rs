//! A model of the log: the real queue, sequencer, office, plan, hot aggregates and executor, as they are, under a scheduler
//! that decides who goes on at every step, on a table in memory that loses, delays and refuses as PostgreSQL may.
//!
//! The scheduler is shuttle's. Everything here waits on tokio's channels and locks, which run under any executor, so the code
//! under test stays as it is; loom would want its own types in their place and explores memory orderings, of which we use
//! few; turmoil simulates a network between hosts, but runs tasks in one order per seed, and our danger is the order. A
//! shuttle task has a stack of its own: the model can yield in the middle of what looks synchronous (the judgement of a batch,
//! the hand-over to the queue under the aggregate's lock), as a second thread would get in between there.
//!
//! A failure prints its schedule. `BOXOFFICE_MODEL_SCHEDULE='…' cargo nextest run -p event-log <that test>` executes it again.

mod error;
mod faults;
mod history;
mod node;
mod play;
mod scenarios;
mod schedule;
mod table;
mod takeovers;
