//! The load generator `wrk`, with a script of ours that makes the requests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::server::token;
use crate::harness::{Sample, millis, per_second};
use crate::load::{buyer_id, room_id};

/// No two runs on one database use the same keys.
static RUNS: AtomicU32 = AtomicU32::new(0);

/// `wrk` gives an answer this long before it counts a timeout.
const ANSWER_LIMIT: &str = "30s";
/// One for each core of the machine that the goals are for.
const THREADS: usize = 2;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lua/hold.lua");
/// What a thread of it says when every request of its share is answered.
const ANSWERED: &str = "answered";
/// Beyond the time it was told to run.
const GRACE: Duration = Duration::from_mins(1);

/// Buyers' tokens and the paths they call, as the script reads them.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    tokens: PathBuf,
    paths: PathBuf,
}

impl Script {
    /// So many buyers, who hold seats of rooms `0..rooms` in turn.
    pub(crate) fn holds(folder: &Path, buyers: u64, rooms: u64) -> Result<Self> {
        let script = Self {
            tokens: folder.join(format!("tokens-{buyers}")),
            paths: folder.join(format!("paths-{rooms}")),
        };
        if !script.tokens.exists() {
            let tokens: Result<Vec<String>> = (0..buyers)
                .map(|buyer| token(&buyer_id(buyer).to_string(), &[]))
                .collect();
            fs::write(&script.tokens, tokens?.join("\n")).context("write the tokens")?;
        }
        let paths: Vec<String> = (0..rooms)
            .map(|room| format!("/v1/rooms/{}/tickets", room_id(room)))
            .collect();
        fs::write(&script.paths, paths.join("\n")).context("write the paths")?;
        Ok(script)
    }
}

/// One run of `wrk`.
#[derive(Clone, Debug)]
pub(crate) struct Wrk<'a> {
    pub(crate) url: &'a str,
    pub(crate) script: &'a Script,
    pub(crate) connections: usize,
    /// The longest it takes.
    pub(crate) duration: Duration,
    /// Requests it makes, if that is what ends it.
    pub(crate) quota: Option<usize>,
    /// How long a connection rests after an answer.
    pub(crate) pause: Duration,
    /// How long it rests after a 503.
    pub(crate) retry: Duration,
}

/// What the script says at the end.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    pub(crate) duration_us: u64,
    pub(crate) p50_us: u32,
    pub(crate) p99_us: u32,
    /// Answers with a status of 400 and above.
    pub(crate) refused: usize,
    /// Connections that failed, or answers that did not come.
    pub(crate) lost: usize,
    /// By status, where the script counts them.
    #[serde(default)]
    pub(crate) statuses: std::collections::BTreeMap<String, usize>,
}

impl Report {
    pub(crate) const fn elapsed(&self) -> Duration {
        Duration::from_micros(self.duration_us)
    }

    pub(crate) fn sample(&self) -> Sample {
        Sample {
            value: per_second(self.requests, self.elapsed()),
            p50_ms: Some(millis(self.p50_us)),
            p99_ms: Some(millis(self.p99_us)),
        }
    }

    pub(crate) fn status(&self, status: u16) -> usize {
        self.statuses.get(&status.to_string()).copied().unwrap_or(0)
    }
}

impl<'a> Wrk<'a> {
    pub(crate) const fn new(url: &'a str, script: &'a Script, connections: usize, duration: Duration) -> Self {
        Self {
            url,
            script,
            connections,
            duration,
            quota: None,
            pause: Duration::ZERO,
            retry: Duration::ZERO,
        }
    }

    pub(crate) async fn run(&self) -> Result<Report> {
        let threads = THREADS.min(self.connections);
        let child = Command::new("wrk")
            .arg(format!("-t{threads}"))
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.duration.as_secs().max(1)))
            .args(["--timeout", ANSWER_LIMIT, "-s", SCRIPT, self.url, "--"])
            .args([&self.script.tokens, &self.script.paths])
            .arg(format!("key-{}", RUNS.fetch_add(1, Ordering::Relaxed)))
            .arg(self.quota.unwrap_or(0).to_string())
            .arg(self.pause.as_millis().to_string())
            .arg(self.retry.as_millis().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("run wrk: scripts/setup bench installs it")?;
        let words = tokio::time::timeout(self.duration + GRACE, listen(child, threads)).await;
        let text = words.context("wrk does not end")??;
        let line = text.lines().rev().find_map(|line| line.strip_prefix("report "));
        let line = line.with_context(|| format!("wrk said: {text}"))?;
        serde_json::from_str(line).with_context(|| format!("read wrk's report {line}"))
    }
}

/// All that it says until it ends. It sleeps until its time is over, whatever its threads have done by then, so it is
/// woken when all of them are through.
async fn listen(mut child: Child, threads: usize) -> Result<String> {
    let mut lines = BufReader::new(child.stdout.take().context("hear wrk")?).lines();
    let mut complaints = child.stderr.take().context("hear wrk's complaints")?;
    let (mut text, mut through) = (String::new(), 0);
    while let Some(line) = lines.next_line().await.context("hear wrk")? {
        if line == ANSWERED {
            through += 1;
            if through == threads {
                interrupt(&child)?;
            }
        }
        text.push_str(&line);
        text.push('\n');
    }
    complaints
        .read_to_string(&mut text)
        .await
        .context("hear wrk's complaints")?;
    // Said last, for the day when it says nothing else.
    let status = child.wait().await.context("wait for wrk")?;
    text.push_str(&status.to_string());
    Ok(text)
}

fn interrupt(child: &Child) -> Result<()> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    kill_process(pid.context("find wrk")?, Signal::INT).context("interrupt wrk")
}
