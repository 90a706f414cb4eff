//! Taking webhooks in: many by one statement, each answered when it is durable.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use gather::{Gather, GatherError, Limits, WriteBatch};
use sqlx::PgPool;
use thiserror::Error;
use tokio::sync::Notify;

use super::store::store;

/// A provider waits for the answer: the pace is what it may cost under load.
const LIMITS: Limits = Limits {
    waiting: 4_096,
    batch: 256,
    write: Duration::from_secs(5),
    pace: Duration::from_millis(5),
};

/// Why a webhook may not have been kept. The provider sends it again.
#[derive(Clone, Debug, Error)]
pub enum ReceiveError {
    #[error("too many webhooks wait")]
    Overloaded,
    #[error("the webhook was not kept in time")]
    TimedOut,
    #[error("keep a webhook")]
    Database(#[source] Arc<sqlx::Error>),
}

/// Keeps webhooks of one provider. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Intake(Gather<Keeper>);

struct Keeper {
    pool: PgPool,
    provider: &'static str,
    stored: Arc<Notify>,
}

pub(super) struct Received {
    pub(super) body: Vec<u8>,
    pub(super) at: Timestamp,
}

impl Intake {
    /// `stored` is told after each batch.
    pub(crate) fn new(pool: PgPool, provider: &'static str, stored: Arc<Notify>) -> Self {
        let keeper = Keeper { pool, provider, stored };
        Self(Gather::new(keeper, LIMITS))
    }

    /// It is durable when this returns.
    pub(crate) async fn keep(&self, body: &[u8], at: Timestamp) -> Result<(), ReceiveError> {
        let received = Received {
            body: body.to_vec(),
            at,
        };
        match self.0.call(received).await {
            Ok(kept) => kept.map_err(ReceiveError::Database),
            Err(GatherError::Full) => Err(ReceiveError::Overloaded),
            Err(GatherError::Lost) => Err(ReceiveError::TimedOut),
        }
    }
}

impl WriteBatch for Keeper {
    type Call = Received;
    type Answer = Result<(), Arc<sqlx::Error>>;

    const NAME: &'static str = "inbox";

    async fn write(&self, calls: Vec<Received>) -> Vec<Self::Answer> {
        let count = calls.len();
        let kept = store(&self.pool, self.provider, calls).await.map_err(Arc::new);
        self.stored.notify_one();
        vec![kept; count]
    }
}
