//! Which recordings there is something to do about.

use domain::room::AudioFormat;
use domain::{RecordingId, RoomId, SessionId, Timestamp};
use sqlx::PgPool;

use super::part::Part;

/// More than one node records at once; the rest is looked at when these are done.
const WISHES_MAX: i64 = 500;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wish {
    pub(super) recording: RecordingId,
    pub(super) room: RoomId,
    pub(super) session: SessionId,
    pub(super) stopped_at: Option<Timestamp>,
    pub(super) delete_at: Option<Timestamp>,
    pub(super) is_deleted: bool,
    /// How many began.
    pub(super) parts: u32,
    /// The last one, if it did not end.
    pub(super) open: Option<OpenPart>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpenPart {
    pub(super) began_at: Timestamp,
    pub(super) format: AudioFormat,
}

impl Wish {
    /// The part that is open, or would be next.
    pub(super) fn part(&self) -> Part {
        let next = u32::from(self.open.is_none());
        Part {
            recording: self.recording,
            room: self.room,
            session: self.session,
            number: self.parts.saturating_add(next),
        }
    }
}

/// What is recorded, is not closed, is due, or was deleted and still has files.
pub(super) async fn wishes(pool: &PgPool, now: Timestamp) -> Result<Vec<Wish>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.recording_id, r.room_id, r.session_id, r.stopped_at, r.delete_at,
            r.deleted_at IS NOT NULL AS "is_deleted!", coalesce(p.part, 0) AS "parts!",
            p.began_at AS "began_at?", p.format AS "format?", p.ended_at
        FROM media_recordings r
        LEFT JOIN LATERAL (
            SELECT part, began_at, format, ended_at FROM media_recording_parts p
            WHERE p.recording_id = r.recording_id ORDER BY part DESC LIMIT 1
        ) p ON true
        WHERE r.erased_at IS NULL AND (r.closed_at IS NULL OR r.deleted_at IS NOT NULL OR r.delete_at <= $1)
        ORDER BY r.started_at, r.recording_id LIMIT $2"#,
        now,
        WISHES_MAX,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Wish {
            recording: RecordingId::from_uuid(row.recording_id),
            room: RoomId::from_uuid(row.room_id),
            session: SessionId::from_uuid(row.session_id),
            stopped_at: row.stopped_at,
            delete_at: row.delete_at,
            is_deleted: row.is_deleted,
            parts: u32::try_from(row.parts).unwrap_or(0),
            open: row
                .began_at
                .filter(|_| row.ended_at.is_none())
                .map(|began_at| OpenPart {
                    began_at,
                    format: format_of(row.format.as_deref()),
                }),
        })
        .collect())
}

/// There is nothing more to do until it is due or deleted.
pub(super) async fn close(pool: &PgPool, recording: RecordingId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_recordings SET closed_at = $2 WHERE recording_id = $1 AND stopped_at IS NOT NULL",
        recording.as_uuid(),
        now,
    )
    .execute(pool)
    .await
    .map(drop)
}

pub(super) async fn note_erased(pool: &PgPool, recording: RecordingId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_recordings SET erased_at = $2 WHERE recording_id = $1 AND deleted_at IS NOT NULL",
        recording.as_uuid(),
        now,
    )
    .execute(pool)
    .await
    .map(drop)
}

pub(super) fn format_of(name: Option<&str>) -> AudioFormat {
    match name {
        Some("ogg") => AudioFormat::Ogg,
        _ => AudioFormat::Wav,
    }
}
