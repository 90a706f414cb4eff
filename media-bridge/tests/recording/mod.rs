//! The built-in recorder with a real media server and real audio: the recorded tone is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use domain::room::{AudioFormat, PartEnded, RecordingTerms};
use domain::{RecordingId, RoomCommand, RoomEvent};
use event_log::{Clock, SystemClock};
use media_bridge::attendance::attendance;
use media_bridge::fake::schedule_of;
use media_bridge::identity::room_name;
use media_bridge::recording::{self, BuiltIn, Part, RecordingDeps, Storage};
use media_bridge::rehearsal::AudioEvent;
use media_bridge::{DesiredRecording, MediaServer};
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::support::stage::PATIENCE;
use crate::support::{self, Stage};

const POLL: Duration = Duration::from_millis(20);
const HOST_HZ: usize = 440;
const SAMPLE_RATE: usize = 48_000;
const HEAD_BYTES: usize = 44;
const SECONDS: u64 = 3;
const LOUD: i16 = 3_000;
const RECORDING: RecordingId = RecordingId::from_uuid(Uuid::from_u128(70));

/// A live room that may be recorded, with its host in it and speaking.
struct Recorded {
    stage: Stage,
    storage: Storage,
    _folder: TempDir,
    _stop: DropGuard,
}

impl Recorded {
    async fn open(pool: PgPool) -> Self {
        let stage = Stage::set(pool.clone()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(folder.path()).expect("a folder");
        let python = support::tool("BOXOFFICE_PYTHON", ".tools/venv/bin/python");
        let recorder = BuiltIn::new(&stage.bridge, python, &stage.sfu.config().url, storage.clone());
        let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
        let deps = RecordingDeps {
            log: stage.log.clone(),
            aggregates: stage.aggregates.clone(),
            pool,
            clock: Arc::new(SystemClock),
            storage: storage.clone(),
            recorder: Some(Arc::new(recorder)),
        };
        recording::start(deps, &tracker, &cancel);
        let room = Self {
            stage,
            storage,
            _folder: folder,
            _stop: cancel.drop_guard(),
        };
        room.go_live().await;
        room
    }

    async fn go_live(&self) {
        let Stage {
            room, host, session, ..
        } = self.stage;
        let at = SystemClock.now();
        let mut schedule = schedule_of(room, host, at);
        schedule.sale.recording = Some(RecordingTerms {
            allowed: true,
            for_holders: false,
            retention_days: 30,
        });
        self.stage.execute(RoomCommand::Schedule(Box::new(schedule))).await;
        let open = RoomCommand::Open {
            by: host,
            session_id: session,
            at,
        };
        self.stage.execute(open).await;
        self.stage.go_live();
        self.show(false);
        self.stage.come_in(self.stage.host()).await;
        self.stage.may_speak(self.stage.host()).await;
        self.stage
            .speak(self.stage.host(), u32::try_from(HOST_HZ).expect("a tone"))
            .await;
    }

    fn show(&self, runs: bool) {
        let recording = DesiredRecording { allowed: true, runs };
        self.stage.entitlements.record(self.stage.session, recording);
        self.stage.bridge.wake();
    }

    async fn start(&self) {
        let (by, at) = (self.stage.host, SystemClock.now());
        let recording_id = RECORDING;
        self.stage
            .execute(RoomCommand::StartRecording { recording_id, by, at })
            .await;
        self.show(true);
    }

    async fn stop(&self) {
        let (by, at) = (self.stage.host, SystemClock.now());
        self.stage.execute(RoomCommand::StopRecording { by, at }).await;
        self.show(false);
    }

    fn part(&self, number: u32) -> Part {
        Part {
            recording: RECORDING,
            room: self.stage.room,
            session: self.stage.session,
            number,
        }
    }

    fn file(&self, number: u32) -> PathBuf {
        self.storage.audio(&self.part(number), AudioFormat::Wav)
    }

    /// So much of a part is on the disk, whether it is still being written or not.
    async fn has_recorded(&self, number: u32, seconds: u64) {
        let (whole, draft) = (self.file(number), self.file(number).with_extension("wav.partial"));
        let bytes = seconds * 2 * SAMPLE_RATE as u64;
        let size = |path: &Path| fs::metadata(path).map_or(0, |about| about.len());
        eventually(|| size(&whole).max(size(&draft)) >= bytes).await;
    }

    async fn began(&self, number: u32) {
        let deadline = Instant::now() + PATIENCE;
        let is_it = |event: &RoomEvent| matches!(event, RoomEvent::RecordingPartBegan(began) if began.part == number);
        while !self.stage.room_events().await.iter().any(is_it) {
            assert!(Instant::now() < deadline, "part {number} did not begin");
            sleep(POLL).await;
        }
    }

    async fn ended(&self, number: u32) -> PartEnded {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let events = self.stage.room_events().await.into_iter();
            let mut ends = events.filter_map(|event| match event {
                RoomEvent::RecordingPartEnded(ended) => Some(ended),
                _ => None,
            });
            if let Some(ended) = ends.find(|ended| ended.part == number) {
                return ended;
            }
            assert!(Instant::now() < deadline, "part {number} did not end");
            sleep(POLL).await;
        }
    }

    async fn note(&self) -> String {
        let rooms = self.stage.media.list_rooms().await.expect("rooms");
        let name = room_name(self.stage.session);
        let room = rooms.into_iter().find(|room| room.name == name);
        room.map(|room| room.note).unwrap_or_default()
    }

    async fn says(&self, running: bool) {
        let deadline = Instant::now() + PATIENCE;
        let wanted = format!(r#"{{"recording":{{"allowed":true,"running":{running}}}}}"#);
        while self.note().await != wanted {
            assert!(Instant::now() < deadline, "the room does not say {wanted}");
            sleep(POLL).await;
        }
    }
}

async fn eventually(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}");
        sleep(POLL).await;
    }
}

/// The samples, and that the head says how many there are.
fn samples(path: &Path) -> Vec<i16> {
    let bytes = fs::read(path).expect("a file");
    let data = u32::from_le_bytes(bytes[40..44].try_into().expect("four bytes"));
    assert_eq!(data as usize, bytes.len() - HEAD_BYTES, "the head says how long it is");
    let samples = bytes[HEAD_BYTES..].chunks_exact(2);
    samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// The pitch of the loudest second, by its waves; `None` if there is no loud one.
fn hertz(samples: &[i16]) -> Option<usize> {
    let seconds = samples.windows(SAMPLE_RATE).step_by(SAMPLE_RATE / 10);
    let loudness = |second: &&[i16]| second.iter().filter(|sample| **sample > LOUD).count();
    let loudest = seconds.max_by_key(loudness)?;
    let is_loud = loudest.iter().any(|sample| *sample > LOUD);
    let waves = loudest.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    is_loud.then_some(waves)
}

fn is_the_tone(samples: &[i16]) {
    let heard = hertz(samples).expect("a tone");
    assert!(heard.abs_diff(HOST_HZ) <= 4, "heard {heard} Hz");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_is_recorded_and_everybody_sees_it(pool: PgPool) {
    let room = Recorded::open(pool.clone()).await;
    room.says(false).await;
    room.start().await;
    room.began(1).await;
    room.says(true).await;
    room.has_recorded(1, SECONDS).await;

    // It is there for nobody else, and takes nobody's place.
    let people = room.stage.media.list_participants(&room_name(room.stage.session)).await;
    let people: Vec<String> = people
        .expect("people")
        .into_iter()
        .map(|person| person.identity)
        .collect();
    assert!(people.contains(&room.part(1).identity()), "{people:?}");
    let there = attendance(&pool, room.stage.session, &[room.stage.host], SystemClock.now()).await;
    assert_eq!(there.expect("a query").listeners, 0);

    room.stop().await;
    room.says(false).await;
    let ended = room.ended(1).await;
    assert!(!ended.broke_off && ended.duration_ms >= SECONDS * 1_000, "{ended:?}");
    let bytes = fs::read(room.file(1)).expect("a file");
    let file = ended.file.expect("a file");
    assert_eq!(file.bytes, bytes.len() as u64);
    assert_eq!(file.sha256, sha256(&bytes));
    is_the_tone(&samples(&room.file(1)));

    let manifest = fs::read(room.storage.manifest(room.stage.room, RECORDING)).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let part = &manifest["parts"][0];
    assert_eq!((&part["part"], &part["broke_off"]), (&1.into(), &false.into()));
    assert_eq!(part["file"]["sha256"], file.sha256);
    let spoke = &part["spoke"][0];
    assert_eq!(spoke["user"], room.stage.host.to_string());
    let spoken = spoke["to_ms"].as_u64().expect("a time") - spoke["from_ms"].as_u64().expect("a time");
    assert!(
        spoken + 1_500 >= ended.duration_ms,
        "spoke for {spoken} of {} ms",
        ended.duration_ms
    );
}

/// The recorder's process is killed, and then the media server: each time another part goes on.
#[sqlx::test(migrations = "../migrations")]
async fn what_breaks_off_goes_on_as_another_part(pool: PgPool) {
    let mut room = Recorded::open(pool).await;
    room.start().await;
    room.has_recorded(1, 2).await;
    room.began(1).await;
    kill_recorder();
    let first = room.ended(1).await;
    assert!(first.broke_off && first.file.is_some(), "{first:?}");
    is_the_tone(&samples(&room.file(1)));

    room.began(2).await;
    room.has_recorded(2, 2).await;
    room.stage.sfu.kill().await;
    room.stage.sfu.restart().await;
    let second = room.ended(2).await;
    assert!(second.broke_off && second.file.is_some(), "{second:?}");
    is_the_tone(&samples(&room.file(2)));

    room.began(3).await;
    room.has_recorded(3, 1).await;
    // The room ends, and with it what is recorded of it.
    room.stage.end().await;
    let third = room.ended(3).await;
    assert!(!third.broke_off && third.file.is_some(), "{third:?}");
    assert!(first.ended_at <= second.ended_at && second.ended_at <= third.ended_at);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_comes_in_as_a_recorder(pool: PgPool) {
    let room = Recorded::open(pool).await;
    let (name, stranger) = (room_name(room.stage.session), room.part(9).identity());
    let token = room.stage.media.recorder_token(&name, &stranger, 60).expect("a token");
    room.stage.is_refused("at the gate", &token, 403).await;
    // Past the gate, where only the bridge itself comes in.
    room.stage.connect("past it", &room.stage.sfu.address(), &token).await;
    let is_out =
        |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { reason } if reason == "PARTICIPANT_REMOVED");
    room.stage
        .clients
        .wait_for("past it", PATIENCE, is_out)
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    format!("{:x}", sha2::Sha256::digest(bytes))
}

/// SIGKILL for the one process of ours that records.
fn kill_recorder() {
    let is_recorder = |process: &fs::DirEntry| {
        let read = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        let is_ours = String::from_utf8_lossy(&read("status")).contains(&format!("PPid:\t{}\n", std::process::id()));
        is_ours && String::from_utf8_lossy(&read("cmdline")).contains("Records the sound of one room")
    };
    let mut processes = fs::read_dir("/proc").expect("processes").filter_map(Result::ok);
    let recorder = processes.find(is_recorder).expect("a recorder");
    let killed = Command::new("kill").arg("-9").arg(recorder.file_name()).status();
    assert!(killed.expect("kill").success());
}
