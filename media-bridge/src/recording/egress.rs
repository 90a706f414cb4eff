//! LiveKit Egress as a recorder, for operators who run it: it writes Opus to a folder that both see.
//!
//! A recording of ours is known by the path it writes to. So a start or stop whose outcome is unknown is found by the next
//! look, and of two that record the same part the later one is stopped.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::room::AudioFormat;
use domain::{RecordingId, Timestamp};
use livekit_api::services::egress::{
    EgressClient, EgressListFilter, EgressListOptions, EgressOutput, RoomCompositeOptions,
};
use livekit_protocol as proto;
use proto::EgressStatus;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tracing::{info, warn};

use super::storage::file_name;
use super::{Part, PartStatus, Recorder};
use crate::identity::room_name;
use crate::livekit::media_error;
use crate::{LiveKitConfig, MediaError};

/// The media server looks for an egress that is free for some seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A start whose outcome is unknown may still come to something for so long.
const UNKNOWN_MAX: Duration = Duration::from_secs(30);
const NANOS_PER_MILLI: i64 = 1_000_000;

type Key = (RecordingId, u32);

pub struct Egress {
    client: EgressClient,
    /// The folder of recordings, as Egress sees it.
    folder: String,
    /// Starts that may have happened.
    unknown: Mutex<HashMap<Key, Instant>>,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Egress {
    pub fn new(config: &LiveKitConfig, folder: &str) -> Self {
        Self::with_timeout(config, folder, REQUEST_TIMEOUT)
    }

    pub(super) fn with_timeout(config: &LiveKitConfig, folder: &str, timeout: Duration) -> Self {
        let secret = config.api_secret.expose_secret();
        let client = EgressClient::with_api_key(&config.url, &config.api_key, secret)
            .with_failover(false)
            .with_request_timeout(timeout);
        Self {
            client,
            folder: folder.trim_end_matches('/').to_owned(),
            unknown: Mutex::default(),
        }
    }

    fn path(&self, part: &Part) -> String {
        let name = file_name(part, self.format());
        format!("{}/{}/{}/{name}", self.folder, part.room, part.recording)
    }

    fn unknown(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every egress of this part, the earliest first.
    async fn of(&self, part: &Part) -> Result<Vec<proto::EgressInfo>, MediaError> {
        let options = EgressListOptions {
            filter: EgressListFilter::Room(room_name(part.session)),
            ..EgressListOptions::default()
        };
        let listed = self.client.list_egress(options).await.map_err(media_error)?;
        let path = self.path(part);
        let mut ours: Vec<_> = listed.into_iter().filter(|info| writes_to(info, &path)).collect();
        ours.sort_by_key(|info| (info.started_at, info.egress_id.clone()));
        Ok(ours)
    }

    async fn stop_one(&self, id: &str) -> Result<(), MediaError> {
        match self.client.stop_egress(id).await.map_err(media_error) {
            // It ended by itself meanwhile; the next look says how.
            Ok(_) | Err(MediaError::NotFound | MediaError::Refused(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn may_still_start(&self, part: &Part) -> bool {
        let tried_at = self.unknown().get(&(part.recording, part.number)).copied();
        tried_at.is_some_and(|tried_at| tried_at.elapsed() < UNKNOWN_MAX)
    }
}

#[async_trait]
impl Recorder for Egress {
    fn format(&self) -> AudioFormat {
        AudioFormat::Ogg
    }

    async fn status(&self, part: &Part) -> Result<PartStatus, MediaError> {
        let ours = self.of(part).await?;
        let mut active = ours.iter().filter(|info| is_active(info));
        if let Some(first) = active.next() {
            for double in active {
                warn!(recording.id = %part.recording, egress.id = double.egress_id, "stopped a second recorder");
                self.stop_one(&double.egress_id).await?;
            }
            return Ok(status_of(first));
        }
        match ours.last() {
            Some(last) => Ok(status_of(last)),
            None if self.may_still_start(part) => Ok(PartStatus::Starting),
            None => Ok(PartStatus::Absent),
        }
    }

    async fn start(&self, part: &Part) -> Result<(), MediaError> {
        let output = EgressOutput::File(proto::EncodedFileOutput {
            file_type: proto::EncodedFileType::Ogg as i32,
            filepath: self.path(part),
            disable_manifest: true,
            output: None,
        });
        let options = RoomCompositeOptions {
            audio_only: true,
            ..RoomCompositeOptions::default()
        };
        let key = (part.recording, part.number);
        self.unknown().insert(key, Instant::now());
        let room = room_name(part.session);
        let started = self
            .client
            .start_room_composite_egress(&room, vec![output], options)
            .await
            .map_err(media_error);
        match started {
            Ok(info) => {
                info!(recording.id = %part.recording, egress.id = info.egress_id, "an egress was started");
                Ok(())
            }
            Err(failure @ MediaError::Unavailable(_)) => Err(failure),
            // It says that nothing was started.
            Err(failure) => {
                self.unknown().remove(&key);
                Err(failure)
            }
        }
    }

    async fn stop(&self, part: &Part) -> Result<(), MediaError> {
        for info in self.of(part).await?.iter().filter(|info| is_active(info)) {
            self.stop_one(&info.egress_id).await?;
        }
        Ok(())
    }

    async fn forget(&self, part: &Part) {
        self.unknown().remove(&(part.recording, part.number));
    }

    /// Whoever leads now finds what Egress does, and goes on with it.
    async fn abandon(&self) {}
}

fn writes_to(info: &proto::EgressInfo, path: &str) -> bool {
    let asked = match &info.request {
        Some(proto::egress_info::Request::RoomComposite(request)) => {
            request.file_outputs.iter().any(|output| output.filepath == path)
        }
        _ => false,
    };
    asked || info.file_results.iter().any(|file| file.filename == path)
}

fn is_active(info: &proto::EgressInfo) -> bool {
    matches!(info.status(), EgressStatus::EgressStarting | EgressStatus::EgressActive)
}

fn status_of(info: &proto::EgressInfo) -> PartStatus {
    match info.status() {
        EgressStatus::EgressStarting => PartStatus::Starting,
        EgressStatus::EgressActive => {
            time(info.started_at).map_or(PartStatus::Starting, |since| PartStatus::Running { since })
        }
        EgressStatus::EgressEnding => PartStatus::Ending,
        EgressStatus::EgressComplete
        | EgressStatus::EgressFailed
        | EgressStatus::EgressAborted
        | EgressStatus::EgressLimitReached => ended(info),
    }
}

/// By the file, if there is one: an egress may have waited before it wrote.
fn ended(info: &proto::EgressInfo) -> PartStatus {
    let file = info.file_results.first();
    let began_at = file
        .and_then(|file| time(file.started_at))
        .or_else(|| time(info.started_at));
    let of_file = file.filter(|file| file.duration > 0).map(|file| file.duration);
    let duration = of_file.or_else(|| info.ended_at.checked_sub(info.started_at));
    PartStatus::Ended {
        began_at,
        duration_ms: duration.and_then(|nanos| u64::try_from(nanos / NANOS_PER_MILLI).ok()),
    }
}

/// Nanoseconds since 1970; 0 is not yet.
fn time(nanos: i64) -> Option<Timestamp> {
    (nanos > 0).then(|| Timestamp::from_timestamp_nanos(nanos))
}
