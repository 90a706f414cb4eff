//! The notary of a shop under test.

use std::sync::Arc;
use std::time::Duration;

use event_log::{Clock, EventLog};
use notary::{Destination, Memory, Notary, NotaryDeps, NotaryLimits, NotarySettings, SigningKey};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tests do not wait a second for a signature.
const INTERVAL: Duration = Duration::from_millis(20);

/// Its files go with it.
pub(crate) struct Office {
    notary: Notary,
    _folder: TempDir,
}

impl Office {
    /// Checkpoints are signed if `notarises`; otherwise there are none.
    pub(super) fn open(
        log: &Arc<dyn EventLog>,
        pool: &PgPool,
        clock: &Arc<dyn Clock>,
        notarises: bool,
        (tracker, cancel): (&TaskTracker, &CancellationToken),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let deps = NotaryDeps {
            log: Arc::clone(log),
            pool: pool.clone(),
            clock: Arc::clone(clock),
        };
        let settings = NotarySettings {
            key: SigningKey::random("shop.test/log".parse().expect("a name")),
            memory: Memory::at(folder.path().join("notary.checkpoint")),
            destinations: vec![Destination::Directory(folder.path().join("checkpoints"))],
            witnesses: vec![],
            limits: NotaryLimits {
                interval: INTERVAL,
                ..NotaryLimits::default()
            },
        };
        let notary = if notarises {
            Notary::start(deps, settings, tracker, cancel)
        } else {
            Notary::idle(deps, settings)
        };
        Self {
            notary,
            _folder: folder,
        }
    }

    pub(super) fn notary(&self) -> Notary {
        self.notary.clone()
    }
}
