//! What follows the log, and what it sees.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{AnyEvent, Timestamp};
use sqlx::PgConnection;
use thiserror::Error as ThisError;

use crate::Metadata;
use crate::postgres::is_transient;

/// An event as subscribers see it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub position: u64,
    pub sequence: u64,
    pub recorded_at: Timestamp,
    pub metadata: Metadata,
    pub event: AnyEvent,
}

/// Why a page was not taken in. A database that is away is waited for; anything else stops the subscription.
#[derive(Debug, ThisError)]
#[error(transparent)]
pub struct SubscriberError(#[from] Box<dyn Error + Send + Sync>);

impl SubscriberError {
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }

    /// Whether a later try may go better.
    pub(crate) fn is_transient(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self.0.as_ref());
        while let Some(error) = cause {
            if let Some(database) = error.downcast_ref::<sqlx::Error>() {
                return is_transient(database);
            }
            cause = error.source();
        }
        false
    }
}

impl From<sqlx::Error> for SubscriberError {
    fn from(source: sqlx::Error) -> Self {
        Self(Box::new(source))
    }
}

impl From<serde_json::Error> for SubscriberError {
    fn from(source: serde_json::Error) -> Self {
        Self(Box::new(source))
    }
}

/// Somebody who follows the log. Handling a page twice never happens to its tables: they change in the transaction that
/// moves the checkpoint.
#[async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// The checkpoint's key, with `version`.
    fn name(&self) -> &str;

    fn version(&self) -> i32 {
        1
    }

    /// Whether an event may change anything. A page without such an event is passed over, without a transaction.
    fn concerns(&self, _event: &AnyEvent) -> bool {
        true
    }

    /// How old a page is at least when it is taken in, by the time it was recorded at. Zero: as soon as it can be.
    fn follows_behind(&self) -> Duration {
        Duration::ZERO
    }

    /// How long a page may be let grow under load, at most: that much later its last event is shown. Fewer and larger pages
    /// cost less, and write a row once that many events change.
    fn gathers_for(&self) -> Duration {
        Duration::from_millis(25)
    }

    /// Takes in a page. Every change goes through `transaction`, which commits with the new checkpoint.
    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError>;
}
