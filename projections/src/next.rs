//! A new view while it follows the log, beside the live one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use event_log::{EventLog, Progress, subscription};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::chain;
use crate::view::{Side, ViewSubscriber};
use crate::{RebuildError, View};

/// A rebuild that moves nothing for this long has failed.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// The new view while it follows the log.
pub(crate) struct Next {
    pub(crate) view: View,
    pub(crate) progress: Progress,
    cancel: CancellationToken,
    tracker: TaskTracker,
    /// Set before `ended` is cancelled, if it ended by itself.
    failure: Arc<OnceLock<String>>,
    ended: CancellationToken,
}

impl Next {
    pub(crate) fn start(log: &Arc<dyn EventLog>, pool: &PgPool, view: View) -> Self {
        let next = Self {
            view,
            progress: Progress::new(),
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
            failure: Arc::default(),
            ended: CancellationToken::new(),
        };
        let subscriber = Arc::new(ViewSubscriber::new(view, Side::Next));
        let following = subscription::run(
            Arc::clone(log),
            pool.clone(),
            subscriber,
            next.progress.clone(),
            next.cancel.clone(),
        );
        let (failure, ended) = (Arc::clone(&next.failure), next.ended.clone());
        let _task: JoinHandle<()> = next.tracker.spawn(async move {
            let _ended = ended.drop_guard();
            if let Err(error) = following.await {
                let _ = failure.set(chain(&error));
            }
        });
        next.tracker.close();
        next
    }

    /// Waits until the new view is at `position`, as long as it moves at all.
    pub(crate) async fn reach(&self, position: u64) -> Result<(), RebuildError> {
        loop {
            let before = self.progress.position();
            if before >= position {
                return Ok(());
            }
            tokio::select! {
                () = self.ended.cancelled() => return Err(self.stopped()),
                reached = self.progress.wait_for(position, STALL_LIMIT) => {
                    if !reached && self.progress.position() == before {
                        return Err(RebuildError::Stalled { view: self.view, position: before, limit: STALL_LIMIT });
                    }
                }
            }
        }
    }

    fn stopped(&self) -> RebuildError {
        RebuildError::Stopped {
            view: self.view,
            reason: self.failure.get().cloned().unwrap_or_else(|| "it panicked".to_owned()),
        }
    }

    /// Returns when it has written its last page.
    pub(crate) async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.wait().await;
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
