//! What records in a shop under test.

use std::sync::Arc;

use api::Keeping;
use event_log::{Aggregates, Clock, EventLog};
use media_bridge::fake::FakeRecorder;
use media_bridge::recording::{self, RecordingDeps, Storage};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const RETENTION_DAYS: u32 = 30;

/// Its files go with it.
pub(crate) struct Studio {
    pub(crate) recorder: Arc<FakeRecorder>,
    storage: Storage,
    folder: TempDir,
}

impl Studio {
    pub(super) fn start(
        log: &Arc<dyn EventLog>,
        aggregates: &Aggregates,
        pool: &PgPool,
        clock: &Arc<dyn Clock>,
        (tracker, cancel): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(folder.path()).expect("a folder");
        let recorder = Arc::new(FakeRecorder::new(storage.clone(), Arc::clone(clock)));
        let deps = RecordingDeps {
            log: Arc::clone(log),
            aggregates: aggregates.clone(),
            pool: pool.clone(),
            clock: Arc::clone(clock),
            storage: storage.clone(),
            recorder: Some(Arc::<FakeRecorder>::clone(&recorder)),
        };
        recording::start(deps, tracker, cancel);
        Self {
            recorder,
            storage,
            folder,
        }
    }

    pub(super) fn keeping(&self) -> Keeping {
        Keeping {
            storage: self.storage.clone(),
            records: true,
            retention_days: RETENTION_DAYS,
        }
    }

    /// How many rooms have recordings on the disk.
    pub(crate) fn recorded_rooms(&self) -> usize {
        std::fs::read_dir(self.folder.path()).map_or(0, Iterator::count)
    }
}
