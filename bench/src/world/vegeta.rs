//! The load generator `vegeta`: a trickle of holds beside a flood, each at its planned moment, whatever became of those before
//! it, and each timed from that moment on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use super::server::token;
use crate::harness::Latencies;
use crate::load::{buyer_id, room_id};

const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Beyond the time it was told to run, and the answers' limit.
const GRACE: Duration = Duration::from_mins(1);

/// So many holds a second on rooms `first..first + rooms` in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trickle {
    pub(crate) first_room: u64,
    pub(crate) rooms: u64,
    pub(crate) per_second: u32,
    pub(crate) duration: Duration,
}

/// What the holds were answered, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) admitted: Latencies,
    pub(crate) shed: Latencies,
    pub(crate) others: usize,
}

/// As `vegeta encode` writes it down.
#[derive(Debug, Deserialize)]
struct Hit {
    seq: i32,
    /// 0 if nothing came back.
    code: u16,
    /// When it was sent.
    timestamp: DateTime<Utc>,
    /// Nanoseconds from then on.
    latency: i64,
}

impl Trickle {
    /// Its requests and their answers are files in `folder`.
    pub(crate) async fn run(self, url: &str, folder: &Path) -> Result<Answers> {
        let (targets, results) = (folder.join("trickle.json"), folder.join("trickle.bin"));
        fs::write(&targets, self.targets(url)?).context("write the trickle's requests")?;
        let attack = Command::new(vegeta())
            .args(["attack", "-format=json", "-max-body=0"])
            .arg(format!("-rate={}/1s", self.per_second))
            .arg(format!("-duration={}ms", self.duration.as_millis()))
            .arg(format!("-timeout={}s", ANSWER_LIMIT.as_secs()))
            .arg("-targets")
            .arg(&targets)
            .arg("-output")
            .arg(&results)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        succeed(attack, self.duration + ANSWER_LIMIT + GRACE).await?;
        let encode = Command::new(vegeta())
            .args(["encode", "-to=json"])
            .arg(&results)
            .kill_on_drop(true)
            .output();
        let hits = String::from_utf8(succeed(encode, GRACE).await?)?;
        let hits: Result<Vec<Hit>, _> = hits.lines().map(serde_json::from_str).collect();
        self.judge(&hits.context("read what vegeta measured")?)
    }

    fn count(&self) -> u64 {
        u64::from(self.per_second) * self.duration.as_secs()
    }

    /// One request a line.
    fn targets(&self, url: &str) -> Result<String> {
        let bearer = format!("Bearer {}", token(&buyer_id(u64::MAX / 8).to_string(), &[])?);
        let target = |number: u64| {
            let room = room_id(self.first_room + number % self.rooms);
            let request = json!({
                "method": "POST",
                "url": format!("{url}/v1/rooms/{room}/tickets"),
                "header": {
                    "Authorization": [bearer],
                    "Idempotency-Key": [format!("trickle-{}-{number}", self.first_room)],
                },
            });
            format!("{request}\n")
        };
        Ok((0..self.count()).map(target).collect())
    }

    fn judge(&self, hits: &[Hit]) -> Result<Answers> {
        ensure!(hits.len() as u64 == self.count(), "vegeta made {} requests", hits.len());
        let step = TimeDelta::from_std(Duration::from_secs(1) / self.per_second)?;
        let begun = hits.iter().map(|hit| hit.timestamp - step * hit.seq).min();
        let begun = begun.context("a trickle makes requests")?;
        let (mut admitted, mut shed, mut others) = (vec![], vec![], 0);
        for hit in hits {
            let planned = begun + step * hit.seq;
            let elapsed = hit.timestamp + TimeDelta::nanoseconds(hit.latency) - planned;
            let micros = elapsed.num_microseconds().and_then(|micros| u32::try_from(micros).ok());
            match hit.code {
                201 => admitted.push(micros.unwrap_or(u32::MAX)),
                503 => shed.push(micros.unwrap_or(u32::MAX)),
                _ => others += 1,
            }
        }
        Ok(Answers {
            admitted: Latencies::new(admitted),
            shed: Latencies::new(shed),
            others,
        })
    }
}

fn vegeta() -> PathBuf {
    std::env::var_os("VEGETA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/vegeta"),
        PathBuf::from,
    )
}

async fn succeed(run: impl Future<Output = std::io::Result<std::process::Output>>, limit: Duration) -> Result<Vec<u8>> {
    let output = tokio::time::timeout(limit, run).await.context("vegeta does not end")?;
    let output = output.context("run vegeta: scripts/setup bench installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "vegeta: {said}");
    Ok(output.stdout)
}
