//! The append-only log: its port, the PostgreSQL sequencer behind it, hot aggregates on top of it, and the checkpointed
//! subscriptions that read it.

#[cfg(test)]
extern crate self as event_log;

pub mod chain;
pub mod clock;
pub mod copied;
pub mod executor;
pub mod feed;
pub mod hot;
mod jitter;
pub mod leader;
mod limits;
pub mod log;
pub mod memory;
pub mod metadata;
pub mod pipeline;
mod plan;
pub mod postgres;
pub mod queue;
mod ranges;
pub mod replay;
mod schema_name;
mod snapshot;
mod stored;
pub mod stretches;
pub mod subscription;
#[cfg(test)]
mod tests;
pub mod verify;
mod versions;

pub use clock::{Clock, ClockAhead, ManualClock, SystemClock};
pub use copied::CopiedLog;
pub use executor::{Aggregates, ExecuteError, Executed, Executor, Judged};
pub use feed::Feed;
pub use hot::HotStore;
pub use leader::{Leader, Node};
pub use limits::LogLimits;
pub use log::{
    AppendError, Appended, Capabilities, EventLog, Head, NewEvent, ReadError, RecordedEvent, StreamAppend, StreamId,
};
pub use memory::MemoryLog;
pub use metadata::Metadata;
pub use postgres::{Fork, Hosts, LogSettings, PostgresLog, Witness};
pub use schema_name::is_free_schema_name;
pub use snapshot::Snapshot;
pub use stored::{LoadFrom, STREAM_PAGE, SealedSnapshot, StoredStream, StreamEvent};
pub use subscription::{Progress, Recorded, Subscriber, SubscriberError};
