//! Looks after every recording until cancelled.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use domain::room::{AudioFormat, Deletion, PartBegan, PartEnded};
use domain::{RecordingId, Room, RoomCommand, RoomId, SessionId, Timestamp, UserId};
use event_log::{Leader, Metadata};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::RecordingDeps;
use super::manifest::{FileManifest, Heard, PartManifest, Spoke};
use super::part::Part;
use super::plan::{Action, Seen, action, broke_off};
use super::recorder::PartStatus;
use super::storage::{Collected, file_name};
use super::wishes::{Wish, close, note_erased, wishes};
use crate::MediaError;

/// How often it looks, whatever wakes it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// And when something is about to change.
const LOOK_SOON: Duration = Duration::from_millis(100);
const AT_ONCE: usize = 8;
/// After an attempt that came to nothing: twice as long each time.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(15);

pub(super) struct Keeper {
    deps: RecordingDeps,
    /// Parts that were told to stop. Forgotten by a restart, after which a part that was too long counts as broken off.
    told_to_stop: Mutex<HashSet<(RecordingId, u32)>>,
    attempts: Mutex<HashMap<RecordingId, Attempt>>,
}

#[derive(Clone, Copy)]
struct Attempt {
    not_before: Instant,
    pause: Duration,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the recorder")]
    Recorder(#[from] MediaError),
    #[error("the files")]
    Files(#[from] io::Error),
    #[error("the database")]
    Database(#[from] sqlx::Error),
    #[error("the log")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whether to look again soon.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Steady,
    Soon,
}

impl Keeper {
    pub(super) fn new(deps: RecordingDeps) -> Self {
        Self {
            deps,
            told_to_stop: Mutex::default(),
            attempts: Mutex::default(),
        }
    }

    pub(super) async fn run(self, cancel: CancellationToken) {
        let _fatal = cancel.clone().drop_guard();
        let mut pause = LOOK_EVERY;
        let mut news = self.deps.log.wake();
        let mut log_is_open = true;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                changed = news.changed(), if log_is_open => {
                    log_is_open = changed.is_ok();
                    tokio::time::sleep(LOOK_SOON).await;
                }
            }
            if *self.deps.log.leader().borrow() != Leader::Here {
                if let Some(recorder) = &self.deps.recorder {
                    recorder.abandon().await;
                }
                continue;
            }
            pause = match cancel.run_until_cancelled(self.look()).await {
                Some(Pace::Soon) => LOOK_SOON,
                Some(Pace::Steady) | None => LOOK_EVERY,
            };
        }
    }

    async fn look(&self) -> Pace {
        let now = self.deps.clock.now();
        let wishes = match wishes(&self.deps.pool, now).await {
            Ok(wishes) => wishes,
            Err(failure) => {
                let error = &failure as &dyn std::error::Error;
                warn!(error, "recordings cannot be looked for");
                return Pace::Steady;
            }
        };
        let steps: Vec<BoxFuture<'_, Pace>> = wishes.iter().map(|wish| self.step(wish, now).boxed()).collect();
        let paces: Vec<Pace> = stream::iter(steps).buffer_unordered(AT_ONCE).collect().await;
        if paces.contains(&Pace::Soon) {
            Pace::Soon
        } else {
            Pace::Steady
        }
    }

    async fn step(&self, wish: &Wish, now: Timestamp) -> Pace {
        match self.try_step(wish, now).await {
            Ok(pace) => pace,
            // Somebody is still writing: that takes a moment.
            Err(Trouble::Files(error)) if error.kind() == io::ErrorKind::WouldBlock => Pace::Soon,
            Err(trouble) => {
                let error = &trouble as &dyn std::error::Error;
                warn!(recording.id = %wish.recording, error, "a recording waits");
                metrics::counter!("boxoffice_recording_failures_total").increment(1);
                self.postpone(wish.recording);
                Pace::Steady
            }
        }
    }

    async fn try_step(&self, wish: &Wish, now: Timestamp) -> Result<Pace, Trouble> {
        let part = wish.part();
        let format = self.format(wish);
        let status = match &self.deps.recorder {
            Some(recorder) => recorder.status(&part).await?,
            None => PartStatus::Absent,
        };
        let leftover_since = match wish.open {
            Some(_) => None,
            None => {
                self.blocking(move |storage| Ok(storage.leftover_since(&part, format)))
                    .await?
            }
        };
        let seen = Seen { status, leftover_since };
        match action(wish, seen, now) {
            Action::Rest => Ok(
                if matches!(status, PartStatus::Running { .. }) || wish.stopped_at.is_none() {
                    Pace::Steady
                } else {
                    Pace::Soon
                },
            ),
            Action::Start => self.start(&part).await,
            Action::Stop => self.stop(&part).await,
            Action::NoteBegin { since } => {
                self.execute(wish.room, begin(&part, format, since)).await?;
                self.attempts().remove(&wish.recording);
                info!(recording.id = %wish.recording, part = part.number, "a part of a recording has begun");
                Ok(Pace::Soon)
            }
            Action::Collect => self.collect(wish, &part, status).await,
            Action::Forget => {
                self.forget(&part).await;
                self.postpone(wish.recording);
                Ok(Pace::Soon)
            }
            Action::Close => {
                close(&self.deps.pool, wish.recording, now).await?;
                Ok(Pace::Steady)
            }
            Action::Delete => {
                let (recording_id, by, at) = (wish.recording, Deletion::Due, now);
                let delete = RoomCommand::DeleteRecording { recording_id, by, at };
                self.execute(wish.room, delete).await?;
                Ok(Pace::Soon)
            }
            Action::Erase => self.erase(wish, &part, now).await,
        }
    }

    async fn start(&self, part: &Part) -> Result<Pace, Trouble> {
        let Some(recorder) = &self.deps.recorder else {
            return Ok(Pace::Steady);
        };
        let waits = |attempt: &Attempt| attempt.not_before > Instant::now();
        if self.attempts().get(&part.recording).is_some_and(waits) {
            return Ok(Pace::Soon);
        }
        recorder.start(part).await?;
        Ok(Pace::Soon)
    }

    async fn stop(&self, part: &Part) -> Result<Pace, Trouble> {
        if let Some(recorder) = &self.deps.recorder {
            self.told_to_stop().insert((part.recording, part.number));
            recorder.stop(part).await?;
        }
        Ok(Pace::Soon)
    }

    /// Closes the file, writes the manifest, and then says so on the log: each of them the same again after a crash.
    async fn collect(&self, wish: &Wish, part: &Part, status: PartStatus) -> Result<Pace, Trouble> {
        let Some(open) = wish.open else {
            return Ok(Pace::Steady);
        };
        let (part, format) = (*part, open.format);
        if !self.is_open(&part).await? {
            return Ok(Pace::Soon); // what was read of it is older than its end
        }
        let collected = self.blocking(move |storage| storage.collect(&part, format)).await?;
        let said = match status {
            PartStatus::Ended { duration_ms, .. } => duration_ms,
            _ => None,
        };
        let duration_ms = collected.duration_ms.or(said).unwrap_or(0);
        let length = TimeDelta::milliseconds(i64::try_from(duration_ms).unwrap_or(i64::MAX));
        let ended_at = open.began_at.checked_add_signed(length).unwrap_or(open.began_at);
        let was_told = self.told_to_stop().contains(&(part.recording, part.number));
        let ended = PartEnded {
            recording_id: part.recording,
            part: part.number,
            broke_off: broke_off(wish, was_told, ended_at),
            duration_ms,
            file: collected.file.clone(),
            ended_at,
        };
        let about = self.about(&part, open.began_at, format, &ended, collected).await?;
        self.blocking(move |storage| storage.note(&part, about)).await?;
        let broke_off = ended.broke_off;
        self.execute(wish.room, RoomCommand::EndRecordingPart(ended)).await?;
        self.forget(&part).await;
        self.blocking(move |storage| storage.tidy(&part, format)).await?;
        info!(recording.id = %part.recording, part = part.number, broke_off, duration_ms, "a part of a recording has ended");
        metrics::counter!("boxoffice_recording_parts_total", "broke_off" => broke_off.to_string()).increment(1);
        Ok(Pace::Soon)
    }

    /// As the room has it now.
    async fn is_open(&self, part: &Part) -> Result<bool, Trouble> {
        let Part { recording, number, .. } = *part;
        let look = move |room: &Room| {
            let known = room.recordings().and_then(|recordings| recordings.find(recording));
            known.is_some_and(|known| known.part_is_open() && known.parts() == number)
        };
        let read = self.deps.aggregates.rooms.read(part.room.as_uuid(), look).await;
        read.map(|(is_open, _)| is_open)
            .map_err(|failure| Trouble::Log(Box::new(failure)))
    }

    async fn about(
        &self,
        part: &Part,
        began_at: Timestamp,
        format: AudioFormat,
        ended: &PartEnded,
        collected: Collected,
    ) -> Result<PartManifest, Trouble> {
        let spoke = match collected.heard {
            Some(heard) => Some(self.users(part.session, heard).await?),
            None => None,
        };
        let name = file_name(part, format);
        Ok(PartManifest {
            part: part.number,
            format,
            began_at,
            ended_at: ended.ended_at,
            duration_ms: ended.duration_ms,
            broke_off: ended.broke_off,
            file: collected.file.map(|file| FileManifest { name, file }),
            spoke,
        })
    }

    /// Who they are: whoever spoke was seen in the room.
    async fn users(&self, session: SessionId, heard: Vec<Heard>) -> Result<Vec<Spoke>, Trouble> {
        let identities: Vec<String> = heard.iter().map(|heard| heard.identity.clone()).collect();
        let rows = sqlx::query!(
            "SELECT DISTINCT identity, user_id FROM media_presence WHERE session_id = $1 AND identity = ANY($2)",
            session.as_uuid(),
            &identities,
        )
        .fetch_all(&self.deps.pool)
        .await?;
        let users: HashMap<String, UserId> = rows
            .into_iter()
            .map(|row| (row.identity, UserId::from_uuid(row.user_id)))
            .collect();
        let spoke = heard.into_iter().filter_map(|heard| {
            Some(Spoke {
                user: *users.get(&heard.identity)?,
                from_ms: heard.from_ms,
                to_ms: heard.to_ms,
            })
        });
        Ok(spoke.collect())
    }

    async fn erase(&self, wish: &Wish, part: &Part, now: Timestamp) -> Result<Pace, Trouble> {
        self.forget(part).await;
        let (room, recording) = (wish.room, wish.recording);
        self.blocking(move |storage| storage.erase(room, recording)).await?;
        note_erased(&self.deps.pool, recording, now).await?;
        info!(recording.id = %recording, "the files of a recording are erased");
        Ok(Pace::Steady)
    }

    /// What is refused is older than what the room knows; it is read again.
    async fn execute(&self, room: RoomId, command: RoomCommand) -> Result<(), Trouble> {
        let metadata = Metadata::for_actor("process:recording", room.as_uuid());
        let executed = self.deps.aggregates.rooms.execute(room.as_uuid(), command, metadata);
        executed
            .await
            .map(drop)
            .map_err(|failure| Trouble::Log(Box::new(failure)))
    }

    async fn forget(&self, part: &Part) {
        self.told_to_stop().remove(&(part.recording, part.number));
        if let Some(recorder) = &self.deps.recorder {
            recorder.forget(part).await;
        }
    }

    fn postpone(&self, recording: RecordingId) {
        let mut attempts = self.attempts();
        let pause = attempts
            .get(&recording)
            .map_or(RETRY_MIN, |last| (last.pause * 2).min(RETRY_MAX));
        let not_before = Instant::now() + pause;
        attempts.insert(recording, Attempt { not_before, pause });
    }

    fn format(&self, wish: &Wish) -> AudioFormat {
        let of_recorder = || self.deps.recorder.as_ref().map(|recorder| recorder.format());
        let open = wish.open.map(|open| open.format);
        open.or_else(of_recorder).unwrap_or(AudioFormat::Wav)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(super::Storage) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Trouble> {
        let storage = self.deps.storage.clone();
        let done = tokio::task::spawn_blocking(move || work(storage)).await;
        Ok(done.map_err(io::Error::other)??)
    }

    fn told_to_stop(&self) -> MutexGuard<'_, HashSet<(RecordingId, u32)>> {
        self.told_to_stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<RecordingId, Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(part: &Part, format: AudioFormat, since: Timestamp) -> RoomCommand {
    RoomCommand::BeginRecordingPart(PartBegan {
        recording_id: part.recording,
        part: part.number,
        format,
        began_at: since,
    })
}
