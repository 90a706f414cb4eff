//! Checkpointed subscriptions: pages of the log, in order, each handled in one transaction with its checkpoint.

pub mod checkpoint;
mod page;
mod progress;
mod run;
mod source;
mod subscriber;
mod way;

pub use progress::Progress;
pub use run::{SubscriptionError, run};
pub use subscriber::{Recorded, Subscriber, SubscriberError};
