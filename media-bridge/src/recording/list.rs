//! What is recorded of a room, for whoever shows it.

use domain::room::AudioFormat;
use domain::{RecordingId, RoomId, SessionId, Timestamp};
use sqlx::PgPool;

use super::part::Part;
use super::wishes::format_of;

/// As many as a room may have.
const RECORDINGS_MAX: i64 = 50;
/// As many as a recording may have, for each of them.
const PARTS_MAX: i64 = 25_000;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingRow {
    pub recording: RecordingId,
    pub room: RoomId,
    pub session: SessionId,
    pub started_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    /// When it is deleted by itself.
    pub delete_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// In their order.
    pub parts: Vec<PartRow>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartRow {
    pub number: u32,
    pub format: AudioFormat,
    pub began_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub broke_off: bool,
    pub duration_ms: Option<u64>,
    pub bytes: Option<u64>,
    pub sha256: Option<String>,
}

impl RecordingRow {
    /// Where its files are.
    pub const fn part(&self, number: u32) -> Part {
        Part {
            recording: self.recording,
            room: self.room,
            session: self.session,
            number,
        }
    }
}

/// In the order they were started.
pub async fn list_recordings(pool: &PgPool, room: RoomId) -> Result<Vec<RecordingRow>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT recording_id, session_id, started_at, stopped_at, delete_at, deleted_at
         FROM media_recordings WHERE room_id = $1 ORDER BY started_at, recording_id LIMIT $2",
        room.as_uuid(),
        RECORDINGS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let mut recordings: Vec<RecordingRow> = rows
        .into_iter()
        .map(|row| RecordingRow {
            recording: RecordingId::from_uuid(row.recording_id),
            room,
            session: SessionId::from_uuid(row.session_id),
            started_at: row.started_at,
            stopped_at: row.stopped_at,
            delete_at: row.delete_at,
            deleted_at: row.deleted_at,
            parts: vec![],
        })
        .collect();
    add_parts(pool, &mut recordings).await?;
    Ok(recordings)
}

pub async fn find_recording(
    pool: &PgPool,
    room: RoomId,
    recording: RecordingId,
) -> Result<Option<RecordingRow>, sqlx::Error> {
    let recordings = list_recordings(pool, room).await?;
    Ok(recordings.into_iter().find(|row| row.recording == recording))
}

async fn add_parts(pool: &PgPool, recordings: &mut [RecordingRow]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = recordings.iter().map(|row| row.recording.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT recording_id, part, format, began_at, ended_at, broke_off, duration_ms, bytes, sha256
         FROM media_recording_parts WHERE recording_id = ANY($1) ORDER BY recording_id, part LIMIT $2",
        &ids,
        PARTS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    for row in rows {
        let part = PartRow {
            number: u32::try_from(row.part).unwrap_or(0),
            format: format_of(Some(&row.format)),
            began_at: row.began_at,
            ended_at: row.ended_at,
            broke_off: row.broke_off,
            duration_ms: row.duration_ms.map(count),
            bytes: row.bytes.map(count),
            sha256: row.sha256,
        };
        let of = RecordingId::from_uuid(row.recording_id);
        let recording = recordings.iter_mut().find(|recording| recording.recording == of);
        if let Some(recording) = recording {
            recording.parts.push(part);
        }
    }
    Ok(())
}
