//! Webhooks out, after the Standard Webhooks scheme: every event of the log, in its order, at least once, to each subscription
//! at its own pace.
//!
//! A subscription is a cursor in the log. It moves when its receiver took an event, or when an event is none of its concern;
//! nothing else is kept of a delivery, so that a receiver that was away for days misses nothing, and one that wants to see
//! events again has its cursor set back. The id of a message follows from the event alone: a repeat has the same.
//!
//! Each subscription is carried on by a task of its own, on the node that leads the log.

mod address;
mod deliver;
mod dispatch;
mod message;
mod secret;
mod send;
mod settings;
mod store;
mod subscription;
#[cfg(test)]
mod tests;

pub use address::{TargetError, is_public};
pub use dispatch::{Lag, RewindError, Webhooks, WebhooksDeps};
pub use message::Message;
pub use secret::Secret;
pub use settings::WebhookSettings;
pub use store::{Rewound, StoreError};
pub use subscription::{Change, NewSubscription, PausedReason, Subscription};

/// More than anybody has systems, and as many as one node is sure to carry side by side.
pub const SUBSCRIPTIONS_MAX: u32 = 64;
