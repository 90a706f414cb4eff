//! Follows the log for what is to be recorded, and what was.

use std::sync::Arc;

use async_trait::async_trait;
use domain::room::{PartEnded, RecordingStarted};
use domain::{AnyEvent, RoomEvent};
use event_log::{Recorded, Subscriber, SubscriberError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::part::extension;

/// Notes recordings in `media_recordings`, and their parts in `media_recording_parts`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordingIntake;

#[async_trait]
impl Subscriber for RecordingIntake {
    fn name(&self) -> &'static str {
        "recording"
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        for recorded in page {
            let AnyEvent::Room(room, event) = &recorded.event else {
                continue;
            };
            take_in(room.as_uuid(), event, transaction).await?;
        }
        Ok(())
    }
}

async fn take_in(room: Uuid, event: &RoomEvent, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    match event {
        RoomEvent::RecordingStarted(started) => start(room, started, transaction).await,
        RoomEvent::RecordingStopped(stopped) => {
            sqlx::query!(
                "UPDATE media_recordings SET stopped_at = $2::timestamptz, delete_at = $2::timestamptz + make_interval(hours => retention_days * 24)
                 WHERE recording_id = $1",
                stopped.recording_id.as_uuid(),
                stopped.stopped_at,
            )
            .execute(transaction)
            .await
            .map(drop)
        }
        RoomEvent::RecordingPartBegan(began) => {
            sqlx::query!(
                "INSERT INTO media_recording_parts (recording_id, part, format, began_at) VALUES ($1, $2, $3, $4)",
                began.recording_id.as_uuid(),
                number(began.part),
                extension(began.format),
                began.began_at,
            )
            .execute(&mut *transaction)
            .await?;
            // A part may begin before the stop is noted here, and be noted after it.
            sqlx::query!(
                "UPDATE media_recordings SET closed_at = NULL WHERE recording_id = $1",
                began.recording_id.as_uuid(),
            )
            .execute(transaction)
            .await
            .map(drop)
        }
        RoomEvent::RecordingPartEnded(ended) => end_part(ended, transaction).await,
        RoomEvent::RecordingDeleted(deleted) => {
            sqlx::query!(
                "UPDATE media_recordings SET deleted_at = $2 WHERE recording_id = $1",
                deleted.recording_id.as_uuid(),
                deleted.deleted_at,
            )
            .execute(transaction)
            .await
            .map(drop)
        }
        _ => Ok(()),
    }
}

async fn start(room: Uuid, started: &RecordingStarted, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO media_recordings (recording_id, room_id, session_id, retention_days, started_at)
         VALUES ($1, $2, $3, $4, $5)",
        started.recording_id.as_uuid(),
        room,
        started.session_id.as_uuid(),
        number(started.retention_days),
        started.started_at,
    )
    .execute(transaction)
    .await
    .map(drop)
}

async fn end_part(ended: &PartEnded, transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let file = ended.file.as_ref();
    sqlx::query!(
        "UPDATE media_recording_parts
         SET ended_at = $3, broke_off = $4, duration_ms = $5, bytes = $6, sha256 = $7
         WHERE recording_id = $1 AND part = $2",
        ended.recording_id.as_uuid(),
        number(ended.part),
        ended.ended_at,
        ended.broke_off,
        i64::try_from(ended.duration_ms).unwrap_or(i64::MAX),
        file.map(|file| i64::try_from(file.bytes).unwrap_or(i64::MAX)),
        file.map(|file| file.sha256.clone()),
    )
    .execute(transaction)
    .await
    .map(drop)
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
