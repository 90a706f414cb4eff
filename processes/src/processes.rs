//! All processes, running.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event_log::Metadata;
use event_log::subscription::{self, Progress};
use payments::store::{STORE, Statement};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

use crate::inbox::{Applied, Intake, Reader, ReceiveError, Source};
use crate::jobs::{Endings, Lane};
use crate::runner::{Housekeeper, Worker};
use crate::subscriber::JobMaker;
use crate::sweep::Sweep;
use crate::{BeginPayment, BeginPaymentError, Begun, Deps, PurchaseError, checkout};

/// Work that nobody announces is found within this: what another process stored, or an operator put back.
pub const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A handle on the running processes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Processes {
    deps: Deps,
    progress: Progress,
    intake: Intake,
    webhook_stored: Arc<Notify>,
    store_intake: Intake,
    notice_stored: Arc<Notify>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Processes {
    /// Starts the subscriber, the workers, the webhook reader, the sweep and the housekeeper on `tracker`; they stop when
    /// `cancel` is cancelled. One that ends by itself cancels it: nobody may go on as if all were well.
    pub fn start(deps: Deps, tracker: &TaskTracker, cancel: &CancellationToken) -> Self {
        let processes = Self::idle(deps.clone());
        processes.spawn_subscriber(tracker, cancel);
        let ended = Arc::new(Notify::new());
        let endings = Endings::new(deps.pool.clone());
        for lane in Lane::ALL {
            let worker = Worker {
                deps: deps.clone(),
                endings: endings.clone(),
                lane,
                progress: processes.progress.clone(),
                ended: Arc::clone(&ended),
                tracker: tracker.clone(),
                cancel: cancel.clone(),
            };
            spawn(tracker, cancel, worker.run());
        }
        let applied = Applied::new();
        for (source, wake) in [
            (Source::Provider, &processes.webhook_stored),
            (Source::Store, &processes.notice_stored),
        ] {
            let reader = Reader {
                source,
                deps: deps.clone(),
                applied: applied.clone(),
                wake: Arc::clone(wake),
                cancel: cancel.clone(),
            };
            spawn(tracker, cancel, reader.run());
        }
        spawn(tracker, cancel, Sweep::new(deps.clone(), applied, cancel.clone()).run());
        let housekeeper = Housekeeper {
            deps,
            cancel: cancel.clone(),
        };
        spawn(tracker, cancel, housekeeper.run());
        processes
    }

    /// A handle without any task: for a node that takes requests and leaves the rest to a worker elsewhere.
    pub fn idle(deps: Deps) -> Self {
        let webhook_stored = Arc::new(Notify::new());
        let notice_stored = Arc::new(Notify::new());
        Self {
            store_intake: Intake::new(deps.pool.clone(), STORE, Arc::clone(&notice_stored)),
            notice_stored,
            intake: Intake::new(deps.pool.clone(), deps.provider.name(), Arc::clone(&webhook_stored)),
            deps,
            progress: Progress::new(),
            webhook_stored,
            failure: Arc::new(Mutex::new(None)),
        }
    }

    fn spawn_subscriber(&self, tracker: &TaskTracker, cancel: &CancellationToken) {
        let maker = Arc::new(JobMaker {
            deps: self.deps.clone(),
        });
        let run = subscription::run(
            Arc::clone(&self.deps.log),
            self.deps.pool.clone(),
            maker,
            self.progress.clone(),
            cancel.clone(),
        );
        let failure = Arc::clone(&self.failure);
        spawn(tracker, cancel, async move {
            if let Err(reason) = run.await {
                error!("the processes stopped reading the log: {reason}");
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_string());
            }
        });
    }

    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// The log position up to which jobs were made.
    pub fn position(&self) -> u64 {
        self.progress.position()
    }

    /// Why the processes stopped for good, if they did.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// See [`checkout::begin_payment`].
    pub async fn begin_payment(&self, request: BeginPayment) -> Result<Begun, BeginPaymentError> {
        checkout::begin_payment(&self.deps, request).await
    }

    /// Keeps a verified webhook, and has it read. It is durable when this returns: only then is the provider answered.
    pub async fn receive_webhook(&self, body: &[u8]) -> Result<(), ReceiveError> {
        self.intake.keep(body, self.deps.clock.now()).await
    }

    /// The same for a verified statement of an app store.
    pub async fn receive_store_notice(&self, statement: &[u8]) -> Result<(), ReceiveError> {
        self.store_intake.keep(statement, self.deps.clock.now()).await
    }

    /// See [`checkout::record_purchase`].
    pub async fn record_purchase(&self, statement: Statement, metadata: Metadata) -> Result<u64, PurchaseError> {
        checkout::record_purchase(&self.deps, statement, metadata).await
    }
}

/// A task that ends, by itself or by a panic, cancels all.
fn spawn(tracker: &TaskTracker, cancel: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    let fatal = cancel.clone().drop_guard();
    tracker.spawn(async move {
        let _fatal = fatal;
        task.await;
    });
}
