//! Jobs that end with nothing to follow, written down many at a time.

use std::time::Duration;

use domain::Timestamp;
use gather::{Gather, Limits, WriteBatch};
use sqlx::PgPool;

use super::queue::{Claimed, Ended, end};

const LIMITS: Limits = Limits {
    waiting: 1_024,
    batch: 256,
    write: Duration::from_secs(5),
    pace: Duration::from_millis(5),
};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Endings(Gather<Writer>);

struct Writer(PgPool);

impl Endings {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self(Gather::new(Writer(pool), LIMITS))
    }

    /// Says that the job is done. An error is for the log: whether it was written is unknown, and it may be said again.
    pub(crate) async fn done(&self, claimed: &Claimed, at: Timestamp) -> Result<(), String> {
        let ended = self.0.call(Ended::of(claimed, at)).await;
        ended.unwrap_or_else(|error| Err(error.to_string()))
    }
}

impl WriteBatch for Writer {
    type Call = Ended;
    type Answer = Result<(), String>;

    const NAME: &'static str = "jobs_done";

    async fn write(&self, calls: Vec<Ended>) -> Vec<Self::Answer> {
        let written = end(&self.0, &calls).await.map_err(|error| error.to_string());
        vec![written; calls.len()]
    }
}
