//! The process of the audio clients, and what it reported.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::{AudioEvent, Reported, Tally};

/// Needs Python with the packages `livekit` and `numpy`.
const SCRIPT: &str = include_str!("client.py");
/// Commands are a line each; a process that does not read them has hung.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub enum RehearsalError {
    #[error("the audio clients cannot be started")]
    Start(#[source] io::Error),
    #[error("the audio clients take no commands any more")]
    Command(#[source] io::Error),
}

#[derive(Debug, Error)]
pub enum WaitError {
    #[error("client {client} did not report what was waited for within {limit:?}; it reported {reported:?}")]
    TimedOut {
        client: String,
        limit: Duration,
        reported: Vec<AudioEvent>,
    },
    #[error("the audio clients ended")]
    Ended,
}

/// Any number of audio clients in one Python process, which ends when this is dropped.
#[derive(Debug)]
pub struct AudioClients {
    commands: AsyncMutex<ChildStdin>,
    backlog: Arc<Backlog>,
    reader: TaskTracker,
    process: Child,
}

/// Everything that was reported, in order.
#[derive(Debug)]
struct Backlog {
    reports: Mutex<Reports>,
    /// Changes with each report; closed when there will be none any more.
    news: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Reports {
    all: Vec<Reported>,
    /// Up to where waits have looked, for each client.
    cursors: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(flatten)]
    event: AudioEvent,
}

impl AudioClients {
    /// Starts the process. It has no clients yet.
    pub fn start(python: &Path) -> Result<Self, RehearsalError> {
        Self::launch(python, None)
    }

    /// What these hear goes into the tally, and is not kept.
    pub fn start_counted(python: &Path, tally: Arc<Tally>) -> Result<Self, RehearsalError> {
        Self::launch(python, Some(tally))
    }

    fn launch(python: &Path, tally: Option<Arc<Tally>>) -> Result<Self, RehearsalError> {
        let mut process = Command::new(python)
            .args(["-u", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(RehearsalError::Start)?;
        let no_pipe = || RehearsalError::Start(io::Error::other("no pipe"));
        let commands = process.stdin.take().ok_or_else(no_pipe)?;
        let reports = process.stdout.take().ok_or_else(no_pipe)?;
        let backlog = Arc::new(Backlog {
            reports: Mutex::default(),
            news: watch::Sender::new(true),
        });
        let reader = TaskTracker::new();
        reader.spawn(read(reports, Arc::clone(&backlog), tally));
        reader.close();
        Ok(Self {
            commands: AsyncMutex::new(commands),
            backlog,
            reader,
            process,
        })
    }

    /// Of the process, as long as it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Connects a new client, which will decode and measure what it hears.
    pub async fn connect(&self, client: &str, url: &str, token: &str) -> Result<(), RehearsalError> {
        self.command(&json!({"do": "connect", "id": client, "url": url, "token": token}))
            .await
    }

    /// Publishes a sine tone as the client's microphone, in place of one published before.
    pub async fn publish(&self, client: &str, hz: u32) -> Result<(), RehearsalError> {
        self.command(&json!({"do": "publish", "id": client, "hz": hz})).await
    }

    pub async fn unpublish(&self, client: &str) -> Result<(), RehearsalError> {
        self.command(&json!({"do": "unpublish", "id": client})).await
    }

    pub async fn leave(&self, client: &str) -> Result<(), RehearsalError> {
        self.command(&json!({"do": "leave", "id": client})).await
    }

    async fn command(&self, command: &Value) -> Result<(), RehearsalError> {
        let line = format!("{command}\n");
        let write = async { self.commands.lock().await.write_all(line.as_bytes()).await };
        let sent = tokio::time::timeout(COMMAND_TIMEOUT, write).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(RehearsalError::Command)
    }

    /// Waits for an event of a client, those reported since the last successful wait for it included; no event is missed.
    pub async fn wait_for(
        &self,
        client: &str,
        limit: Duration,
        is_wanted: impl Fn(&AudioEvent) -> bool + Send,
    ) -> Result<(Instant, AudioEvent), WaitError> {
        let deadline = Instant::now() + limit;
        let mut news = self.backlog.news.subscribe();
        loop {
            let goes_on = *news.borrow_and_update();
            if let Some(found) = self.backlog.find(client, &is_wanted) {
                return Ok(found);
            }
            if !goes_on {
                return Err(WaitError::Ended);
            }
            if tokio::time::timeout_at(deadline, news.changed()).await.is_err() {
                let reported = self.events_of(client).into_iter().map(|reported| reported.event);
                // Tokens are nobody's business, not even in a failed test's output.
                let reported = reported
                    .filter(|event| !matches!(event, AudioEvent::Token { .. }))
                    .collect();
                return Err(WaitError::TimedOut {
                    client: client.to_owned(),
                    limit,
                    reported,
                });
            }
        }
    }

    /// Everything a client reported so far.
    pub fn events_of(&self, client: &str) -> Vec<Reported> {
        let reports = self.backlog.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports
            .all
            .iter()
            .filter(|reported| reported.client == client)
            .cloned()
            .collect()
    }

    /// Everything a client reported at or after this moment.
    pub fn events_since(&self, client: &str, since: Instant) -> Vec<Reported> {
        let mut events = self.events_of(client);
        events.retain(|reported| reported.at >= since);
        events
    }

    /// Lets the clients leave, and waits until the process is done. Dropping ends it at once instead.
    pub async fn finish(self, limit: Duration) {
        drop(self.commands);
        if tokio::time::timeout(limit, self.reader.wait()).await.is_err() {
            warn!("the audio clients did not end in time");
        }
    }
}

impl Backlog {
    fn add(&self, reported: Reported) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.all.push(reported);
        drop(reports);
        self.news.send_replace(true);
    }

    fn find(&self, client: &str, is_wanted: &impl Fn(&AudioEvent) -> bool) -> Option<(Instant, AudioEvent)> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let from = reports.cursors.get(client).copied().unwrap_or(0);
        let found = reports.all[from..]
            .iter()
            .position(|reported| reported.client == client && is_wanted(&reported.event))?
            + from;
        reports.cursors.insert(client.to_owned(), found + 1);
        let Reported { at, event, .. } = reports.all[found].clone();
        Some((at, event))
    }
}

async fn read(reports: ChildStdout, backlog: Arc<Backlog>, tally: Option<Arc<Tally>>) {
    let mut lines = BufReader::new(reports).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(Line { id, event }) = serde_json::from_str(&line) else {
            warn!(line, "an audio client said something else");
            continue;
        };
        let reported = Reported {
            client: id,
            at: Instant::now(),
            event,
        };
        if tally.as_ref().is_some_and(|tally| tally.takes(&reported)) {
            continue;
        }
        backlog.add(reported);
    }
    backlog.news.send_replace(false);
}
