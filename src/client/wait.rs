//! Waiting for a condition, with a limit and a sentence for the day it does not come.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until `look` answers `Some`, at most `limit` long. `what` completes the sentence "expected … within …".
pub async fn eventually<T, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F + Send) -> Result<T>
where
    T: Send,
    F: Future<Output = Result<Option<T>>> + Send,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("expected {what} within {} ms, and it did not come", limit.as_millis());
        }
        sleep(LOOK_EVERY).await;
    }
}
