//! Records live rooms: compares which rooms the log wants recorded with what recorders do, starts and stops them, puts what
//! they did on the log, and deletes what was kept long enough.
//!
//! It remembers nothing that the log, the recorder and the files do not say, so that a restart of any of them is found by
//! the next look: what broke off is closed as a part, and another one begun.

mod built_in;
mod egress;
mod intake;
mod keeper;
mod list;
mod manifest;
mod part;
mod plan;
mod recorder;
mod storage;
#[cfg(test)]
mod tests;
mod wav;
mod wishes;

use std::sync::Arc;

use event_log::{Aggregates, Clock, EventLog, Progress};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

pub use built_in::BuiltIn;
pub use egress::Egress;
pub use list::{PartRow, RecordingRow, find_recording, list_recordings};
pub use part::Part;
pub use recorder::{PartStatus, Recorder};
pub use storage::Storage;

use intake::RecordingIntake;
use keeper::Keeper;

#[derive(Clone)]
pub struct RecordingDeps {
    pub log: Arc<dyn EventLog>,
    pub aggregates: Aggregates,
    pub pool: PgPool,
    pub clock: Arc<dyn Clock>,
    pub storage: Storage,
    /// `None`: nothing is recorded here, and what was is deleted when it is due.
    pub recorder: Option<Arc<dyn Recorder>>,
}

/// Starts keeping recordings. If it ends by itself, `cancel` is cancelled.
pub fn start(deps: RecordingDeps, tracker: &TaskTracker, cancel: &CancellationToken) {
    tracker.spawn(follow(Arc::clone(&deps.log), deps.pool.clone(), cancel.clone()));
    tracker.spawn(Keeper::new(deps).run(cancel.clone()));
}

async fn follow(log: Arc<dyn EventLog>, pool: PgPool, cancel: CancellationToken) {
    let _fatal = cancel.clone().drop_guard();
    let intake = Arc::new(RecordingIntake);
    if let Err(failure) = event_log::subscription::run(log, pool, intake, Progress::new(), cancel.clone()).await {
        error!(
            error = &failure as &dyn std::error::Error,
            "the recording subscription stopped for good"
        );
    }
}
