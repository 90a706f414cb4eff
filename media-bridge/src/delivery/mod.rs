//! When a room has ended, puts on the log who was there and whether the host's side was heard.
//!
//! It needs no media server, only what was seen of one: a room that nobody could hear is recorded as not delivered.

mod evidence;
mod intake;
mod recorder;

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
