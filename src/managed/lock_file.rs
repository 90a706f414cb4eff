//! `postmaster.pid` of a server that an earlier run of ours started: the data folder is free once that server is gone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use rustix::process::{Pid, Signal};
use tokio::time::{Instant, sleep};
use tracing::info;

/// How long an earlier server may take to finish by itself. Its death signal was sent when its owner died.
const FINISH_LIMIT: Duration = Duration::from_secs(20);
/// How long after that a request to stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How long a dead server may wait for a parent that never asks how it ended, as in many containers.
const ZOMBIE_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holder {
    /// There is no file, or the number in it belongs to nobody.
    Nobody,
    /// The number belongs to another program by now.
    Stranger,
    /// Dead, and its number is still taken.
    Zombie(Pid),
    /// A server that runs on this folder.
    Server(Pid),
}

/// Returns when no server runs on the folder and no lock file is in the way of a new one.
pub(super) async fn release(data: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut asked = false;
    loop {
        let waited = started.elapsed();
        match holder(data) {
            Holder::Nobody => return Ok(()),
            Holder::Stranger => return remove(data),
            Holder::Zombie(_) if waited > ZOMBIE_LIMIT => return remove(data),
            Holder::Server(pid) if waited > FINISH_LIMIT && !asked => {
                info!("an earlier database server still runs (process {pid:?}): stopping it");
                let _ = rustix::process::kill_process(pid, Signal::INT);
                asked = true;
            }
            Holder::Server(pid) if waited > FINISH_LIMIT + STOP_LIMIT => {
                bail!(
                    "another database server (process {pid:?}) runs on {} and does not stop",
                    data.display()
                )
            }
            Holder::Zombie(_) | Holder::Server(_) => {}
        }
        sleep(POLL).await;
    }
}

fn remove(data: &Path) -> anyhow::Result<()> {
    match fs::remove_file(data.join("postmaster.pid")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn holder(data: &Path) -> Holder {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return Holder::Nobody;
    };
    let number = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    let Some(pid) = number.and_then(Pid::from_raw) else {
        return Holder::Stranger; // an unfinished file: its writer died before it was a server
    };
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    let Ok(status) = fs::read_to_string(format!("{process}/stat")) else {
        return Holder::Nobody;
    };
    // `pid (name) state …`; the name may hold anything, so count from its end.
    let (before, after) = status.rsplit_once(')').unwrap_or_default();
    let is_postgres = before.ends_with("(postgres");
    if after.trim_start().starts_with('Z') {
        return if is_postgres {
            Holder::Zombie(pid)
        } else {
            Holder::Stranger
        };
    }
    // A server works in its data folder.
    let works_here = fs::read_link(format!("{process}/cwd")).is_ok_and(|folder| folder == data);
    if is_postgres && works_here {
        Holder::Server(pid)
    } else {
        Holder::Stranger
    }
}
