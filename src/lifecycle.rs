//! How the process lives and ends. The first signal drains, a second one stops; a long-lived task that ends by itself
//! cancels the token and thereby takes everything down, with a failing exit code.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::output;

/// How long answers in progress and background work may take to finish.
pub(crate) const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// The exit code of a process that was told twice.
const EXIT_IMPATIENT: i32 = 130;

/// The tasks of one process, in two stages: those that take in work end first, those that do it after them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifecycle {
    /// HTTP servers.
    pub(crate) front: TaskTracker,
    pub(crate) front_cancel: CancellationToken,
    /// Everything behind them.
    pub(crate) back: TaskTracker,
    pub(crate) back_cancel: CancellationToken,
}

/// SIGINT and SIGTERM, caught from the start.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("catch SIGINT")?,
            terminate: signal(SignalKind::terminate()).context("catch SIGTERM")?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

impl Lifecycle {
    /// Waits for a signal or for a task to fail, then drains. An error means that something had failed.
    pub(crate) async fn run(&self, signals: &mut Signals) -> anyhow::Result<()> {
        let failed = tokio::select! {
            () = signals.next() => false,
            () = self.front_cancel.cancelled() => true,
            () = self.back_cancel.cancelled() => true,
        };
        if failed {
            error!("a part of the server has ended by itself: stopping");
        } else {
            info!("stopping: finishing what was begun (a second signal stops at once)");
        }
        self.drain(signals).await;
        if failed {
            bail!("a part of the server has ended by itself; the log says why");
        }
        Ok(())
    }

    /// Ends every task, in order, within [`DRAIN_LIMIT`].
    pub(crate) async fn drain(&self, signals: &mut Signals) {
        let deadline = Instant::now() + DRAIN_LIMIT;
        let drained = async {
            self.front_cancel.cancel();
            self.front.close();
            let front = timeout_at(deadline, self.front.wait()).await;
            self.back_cancel.cancel();
            self.back.close();
            let back = timeout_at(deadline, self.back.wait()).await;
            if front.is_err() || back.is_err() {
                warn!("not everything finished within {DRAIN_LIMIT:?}: leaving it");
            }
        };
        tokio::select! {
            () = drained => {}
            () = signals.next() => {
                output::remark("stopped at once");
                // The children follow: their death signal comes with our end.
                std::process::exit(EXIT_IMPATIENT);
            }
        }
    }
}
