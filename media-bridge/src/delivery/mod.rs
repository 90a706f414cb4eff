//! When a room is over, puts on the log who was there and who was heard, and has the room judged by it. A room that is live
//! and whose host does not come is given up.
//!
//! It needs no media server, only what was seen of one: a room that nobody looked into is nobody's no-show.

mod evidence;
mod intake;
mod openings;
mod recorder;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use event_log::{Aggregates, Clock, EventLog, Progress};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

use intake::DeliveryIntake;
use recorder::DeliveryRecorder;

#[derive(Clone)]
pub struct DeliveryDeps {
    pub log: Arc<dyn EventLog>,
    pub aggregates: Aggregates,
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
}

/// Starts recording deliveries. If it ends by itself, `cancel` is cancelled: a process that records no deliveries must not
/// look healthy.
pub fn start(deps: DeliveryDeps, tracker: &TaskTracker, cancel: &CancellationToken) {
    let log = Arc::clone(&deps.log);
    let recorder = DeliveryRecorder::new(deps.pool.clone(), deps.aggregates, deps.clock, log);
    tracker.spawn(recorder.run(cancel.clone()));
    tracker.spawn(follow(deps.log, deps.pool, cancel.clone()));
}

async fn follow(log: Arc<dyn EventLog>, pool: PgPool, cancel: CancellationToken) {
    let _fatal = cancel.clone().drop_guard();
    let intake = Arc::new(DeliveryIntake);
    if let Err(failure) = event_log::subscription::run(log, pool, intake, Progress::new(), cancel.clone()).await {
        error!(
            error = &failure as &dyn std::error::Error,
            "the delivery subscription stopped for good"
        );
    }
}
