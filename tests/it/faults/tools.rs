//! Tools of the operating system: signals, strace, and the complaint when one is missing.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use boxoffice::client::eventually;
use boxoffice::managed::{find_in_path, spawner};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// A program that `scripts/setup test` installs. Nothing is skipped: without it the test fails, and says how to get it.
pub(super) fn tool(name: &str) -> Result<PathBuf> {
    find_in_path(name)
        .with_context(|| format!("{name} is missing: `scripts/setup test` installs it on Debian, as root"))
}

pub(super) fn signal(pid: u32, signal: Signal) -> Result<()> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = raw.context("expected a process id")?;
    kill_process(process, signal).with_context(|| format!("signalling process {pid}"))
}

/// System calls of some running processes fail on purpose, for as long as this lives.
pub(super) struct Injection {
    strace: Child,
    log: PathBuf,
}

impl Injection {
    /// `what` as strace's `-e inject=` takes it: `fdatasync:error=EIO:when=1`.
    pub(super) async fn into(pids: &[u32], what: &str, scratch: &Path) -> Result<Self> {
        let (calls, _) = what
            .split_once(':')
            .context("expected calls and what becomes of them")?;
        let log = scratch.join("strace.log");
        let _ = std::fs::remove_file(&log);
        let mut command = Command::new(tool("strace")?);
        command.args(["-f", "-o"]).arg(&log);
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={what}")]);
        for pid in pids {
            command.arg("-p").arg(pid.to_string());
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let strace = spawner::spawn(command).await.context("starting strace")?;
        for pid in pids {
            let is_traced = || async { Ok(is_traced(*pid).then_some(())) };
            let hint = format!("strace to attach to process {pid} (it needs the permission to trace: CAP_SYS_PTRACE)");
            eventually(&hint, ATTACH_LIMIT, is_traced).await?;
        }
        Ok(Self { strace, log })
    }

    /// Whether a call has failed by now.
    pub(super) fn has_struck(&self) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains("(INJECTED)"))
    }

    pub(super) async fn end(mut self) -> Result<()> {
        if let Some(pid) = self.strace.id() {
            signal(pid, Signal::INT)?;
        }
        self.strace.wait().await.context("waiting for strace")?;
        Ok(())
    }
}

fn is_traced(pid: u32) -> bool {
    // A process that has ended cannot be traced any more, and need not.
    std::fs::read_to_string(format!("/proc/{pid}/status")).map_or(true, |status| !status.contains("TracerPid:\t0\n"))
}
