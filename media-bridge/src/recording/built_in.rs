//! The built-in recorder: a participant whom nobody sees, in a process of its own for each part.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::room::AudioFormat;
use domain::{RecordingId, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::{Part, PartStatus, Recorder, Storage};
use crate::identity::room_name;
use crate::shared::Shared;
use crate::{Bridge, MediaError, MediaServer};

/// Needs Python with the packages `livekit` and `numpy`.
const SCRIPT: &str = include_str!("recorder.py");
/// For its first connection; nobody else has this token.
const TOKEN_TTL_SECONDS: u32 = 60;
/// A process that does not come up, or does not end, is killed.
const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(15);
const ORDER_TIMEOUT: Duration = Duration::from_secs(5);

type Key = (RecordingId, u32);

/// Records with processes of this machine, to its disk.
pub struct BuiltIn {
    python: PathBuf,
    /// Of the media server itself: the gate is for people.
    url: String,
    media: Arc<dyn MediaServer>,
    shared: Arc<Shared>,
    storage: Storage,
    running: Mutex<HashMap<Key, Running>>,
    readers: TaskTracker,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// Its end stops the recording.
    stdin: Option<ChildStdin>,
    status: Arc<Mutex<PartStatus>>,
    /// By when it has to have taken its next step.
    deadline: Instant,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Recording { started_at_ms: i64 },
    Refused { message: String },
    Ended { reason: String },
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn")
            .field("python", &self.python)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl BuiltIn {
    /// `server_url` is the media server's own, `http://host:port`.
    pub fn new(bridge: &Bridge, python: PathBuf, server_url: &str, storage: Storage) -> Self {
        Self {
            python,
            url: server_url.replacen("http", "ws", 1),
            media: Arc::clone(bridge.media()),
            shared: Arc::clone(&bridge.shared),
            storage,
            running: Mutex::default(),
            readers: TaskTracker::new(),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Key, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> Result<(Child, ChildStdin, ChildStdout), MediaError> {
        let mut process = Command::new(&self.python)
            .args(["-u", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| MediaError::Unavailable(Box::new(error)))?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| MediaError::Unavailable("no pipe".into()))?;
        Ok((process, stdin, stdout))
    }
}

#[async_trait]
impl Recorder for BuiltIn {
    fn format(&self) -> AudioFormat {
        AudioFormat::Wav
    }

    async fn status(&self, part: &Part) -> Result<PartStatus, MediaError> {
        let mut running = self.running();
        let Some(known) = running.get_mut(&key(part)) else {
            return Ok(PartStatus::Absent);
        };
        let status = *lock(&known.status);
        let waits = matches!(status, PartStatus::Starting) || known.stdin.is_none();
        if waits && !matches!(status, PartStatus::Ended { .. }) && known.deadline <= Instant::now() {
            warn!(recording.id = %part.recording, part = part.number, "a recorder hangs and is killed");
            let _ = known.process.start_kill(); // the end of its output says that it is gone
        }
        Ok(status)
    }

    async fn start(&self, part: &Part) -> Result<(), MediaError> {
        if self.running().contains_key(&key(part)) {
            return Ok(());
        }
        let room = room_name(part.session);
        let token = self.media.recorder_token(&room, &part.identity(), TOKEN_TTL_SECONDS)?;
        let made = self.storage.make_folder(part);
        made.map_err(|error| MediaError::Unavailable(Box::new(error)))?;
        let (audio, notes) = self.storage.drafts(part, self.format());
        let order = json!({"url": self.url, "token": token, "audio": audio, "notes": notes});
        // Known before it comes in: a stranger would be sent out.
        self.shared.expect_recorder(part.identity());
        let (process, mut stdin, stdout) = self.spawn()?;
        let status = Arc::new(Mutex::new(PartStatus::Starting));
        self.readers.spawn(read(*part, stdout, Arc::clone(&status)));
        let line = format!("{order}\n");
        let told = tokio::time::timeout(ORDER_TIMEOUT, stdin.write_all(line.as_bytes())).await;
        let told = told.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        told.map_err(|error| MediaError::Unavailable(Box::new(error)))?;
        let running = Running {
            process,
            stdin: Some(stdin),
            status,
            deadline: Instant::now() + START_MAX,
        };
        self.running().insert(key(part), running);
        Ok(())
    }

    async fn stop(&self, part: &Part) -> Result<(), MediaError> {
        if let Some(known) = self.running().get_mut(&key(part))
            && known.stdin.take().is_some()
        {
            known.deadline = Instant::now() + STOP_MAX;
        }
        Ok(())
    }

    async fn forget(&self, part: &Part) {
        self.running().remove(&key(part));
        self.shared.forget_recorder(&part.identity());
    }

    async fn abandon(&self) {
        for known in self.running().values_mut() {
            if known.stdin.take().is_some() {
                known.deadline = Instant::now() + STOP_MAX;
            }
        }
        self.running()
            .retain(|_, known| !matches!(*lock(&known.status), PartStatus::Ended { .. }));
    }
}

const fn key(part: &Part) -> Key {
    (part.recording, part.number)
}

fn lock(status: &Mutex<PartStatus>) -> MutexGuard<'_, PartStatus> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes in what the process says, until it is gone.
async fn read(part: Part, output: ChildStdout, status: Arc<Mutex<PartStatus>>) {
    let mut lines = BufReader::new(output).lines();
    let recording = part.recording;
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Line::Recording { started_at_ms }) => {
                let since = Timestamp::from_timestamp_millis(started_at_ms).unwrap_or_default();
                *lock(&status) = PartStatus::Running { since };
            }
            Ok(Line::Refused { message }) => {
                warn!(recording.id = %recording, part = part.number, message, "a recorder could not come in");
            }
            Ok(Line::Ended { reason }) => {
                info!(recording.id = %recording, part = part.number, reason, "a recorder has ended");
            }
            Err(_) => warn!(recording.id = %recording, line, "a recorder said something else"),
        }
    }
    *lock(&status) = PartStatus::Ended {
        began_at: None,
        duration_ms: None,
    };
}
