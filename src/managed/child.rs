//! A program we run beside us: how it is started, watched and stopped.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::account::Account;
use super::spawner;

/// Longest pause before a program that died is started again.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// A program that lived this long starts over with the shortest pause.
const STEADY_AFTER: Duration = Duration::from_secs(30);

/// What to run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) account: Account,
    /// Asks the program to end; also sent by the kernel when we die.
    pub(super) stop_signal: StopSignal,
    /// How long it may take to end before it is killed.
    pub(super) stop_limit: Duration,
    pub(super) log: PathBuf,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum StopSignal {
    /// PostgreSQL's fast shutdown.
    Interrupt,
    Kill,
}

impl StopSignal {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Kill => "KILL",
        }
    }

    const fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::INT,
            Self::Kill => Signal::KILL,
        }
    }
}

impl Program {
    /// Starts it, its output appended to the log file.
    pub(super) async fn start(&self) -> anyhow::Result<Child> {
        let log = open_log(&self.log).with_context(|| format!("open {}", self.log.display()))?;
        let errors = log.try_clone().context("open the log twice")?;
        let mut command = self.account.command(&self.path, Some(self.stop_signal.name()));
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // Ctrl-C in the terminal is for us alone: we end the program when we no longer need it.
            .process_group(0);
        spawner::spawn(command)
            .await
            .with_context(|| format!("start {} ({})", self.name, self.path.display()))
    }

    /// Asks it to end, and insists after the limit.
    pub(super) async fn stop(&self, mut child: Child) {
        send(&child, self.stop_signal.signal());
        if timeout(self.stop_limit, child.wait()).await.is_err() {
            warn!("{} does not stop: killing it", self.name);
            let _ = child.kill().await;
        }
    }

    /// The end of its log, for an error message.
    pub(super) fn last_words(&self) -> String {
        last_lines(&self.log, 12)
    }
}

fn open_log(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn send(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

fn last_lines(path: &Path, count: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A program that can be started again and again, and says when it is ready.
pub(super) trait Restart: Send + Sync + 'static {
    fn program(&self) -> &Program;
    fn launch(&self) -> impl Future<Output = anyhow::Result<Child>> + Send;
}

/// A program that is kept running: when it dies it is started again.
#[derive(Debug)]
pub(super) struct Supervised<R> {
    restart: Arc<R>,
    leave: CancellationToken,
    /// Ends with the program, if that runs at the moment.
    watch: JoinHandle<Option<Child>>,
}

impl<R: Restart> Supervised<R> {
    pub(super) async fn start(restart: R) -> anyhow::Result<Self> {
        let child = restart.launch().await?;
        let (restart, leave, tracker) = (Arc::new(restart), CancellationToken::new(), TaskTracker::new());
        let watch = tracker.spawn(watch(Arc::clone(&restart), child, leave.clone()));
        Ok(Self { restart, leave, watch })
    }

    /// Asks the program to end, and waits until it has.
    pub(super) async fn stop(self) {
        if let Some(child) = Self::take(self.watch, &self.leave).await {
            self.restart.program().stop(child).await;
        }
    }

    /// Ends the program as `kill -9` does.
    pub(super) async fn kill(self) {
        if let Some(mut child) = Self::take(self.watch, &self.leave).await {
            let _ = child.kill().await;
        }
    }

    async fn take(watch: JoinHandle<Option<Child>>, leave: &CancellationToken) -> Option<Child> {
        leave.cancel();
        watch.await.ok().flatten()
    }
}

/// Starts the program again whenever it dies. Returns it when told to leave it alone.
async fn watch<R: Restart>(restart: Arc<R>, mut child: Child, leave: CancellationToken) -> Option<Child> {
    let name = restart.program().name;
    let mut backoff = BACKOFF_FIRST;
    loop {
        let started = Instant::now();
        let status = tokio::select! {
            () = leave.cancelled() => return Some(child),
            status = child.wait() => status,
        };
        report_death(name, status);
        if started.elapsed() > STEADY_AFTER {
            backoff = BACKOFF_FIRST;
        }
        child = loop {
            tokio::select! {
                () = leave.cancelled() => return None,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = backoff.saturating_mul(2).min(BACKOFF_MAX);
            match restart.launch().await {
                Ok(child) => break child,
                Err(error) => warn!("cannot start {name} again, trying on: {error:#}"),
            }
        };
        info!("{name} is running again");
    }
}

fn report_death(name: &str, status: io::Result<ExitStatus>) {
    match status {
        Ok(status) => warn!("{name} ended by itself ({status}): starting it again"),
        Err(error) => warn!("lost sight of {name} ({error}): starting it again"),
    }
}
