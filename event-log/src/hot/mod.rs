//! Aggregates kept in memory between commands, so that the next command decides at once, on a state that is still on its
//! way to the disk.
//!
//! Invariants:
//! - A slot whose decision went wrong halfway, or whose append failed, is loaded again before anybody decides on it.
//! - Loading waits until every append of that stream has met its fate.
//! - Nothing is numbered without a place in the queue, and the queue's order is the order of decisions.
//! - A slot with an append in flight is never evicted.
//! - A snapshot is made of what the log has committed, never of what was only decided; one that does not fit the log is not
//!   used.
//! - One aggregate has at most a share of the places; beyond it, its commands are refused at once.

mod admission;
mod cache;
mod context;
mod envelopes;
mod error;
mod keeper;
mod load;
mod memo;
mod rack;
mod slot;
mod store;
mod wishes;

pub(crate) use admission::Admission;
pub use cache::HotAggregates;
pub use context::HotContext;
pub(crate) use error::HotError;
pub(crate) use memo::Memo;
pub use store::HotStore;
pub(crate) use wishes::{Wish, Wishes};
