//! Openings of rooms in `media_deliveries`: what is to be recorded or looked at, and when.

use domain::{RoomId, SessionId, Timestamp};
use sqlx::PgPool;

const ROOMS_PER_LOOK: i64 = 20;
const RETRY_SECONDS: f64 = 2.0;
/// How often a live room is looked at in which nobody of the host's side was heard.
const LOOK_SECONDS: f64 = 1.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Opening {
    pub(super) session: SessionId,
    pub(super) room: RoomId,
    pub(super) opened_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
}

/// Over, and their evidence is not on the log.
pub(super) async fn ended(pool: &PgPool) -> Result<Vec<Opening>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT session_id, room_id, coalesce(opened_at, ended_at) AS "opened_at!", ended_at FROM media_deliveries
           WHERE recorded_at IS NULL AND refusal IS NULL AND due_at <= now() ORDER BY due_at LIMIT $1"#,
        ROOMS_PER_LOOK,
    )
    .fetch_all(pool)
    .await?;
    let opening = |session, room, opened_at, ended_at| Opening {
        session: SessionId::from_uuid(session),
        room: RoomId::from_uuid(room),
        opened_at,
        ended_at,
    };
    let openings = rows
        .into_iter()
        .map(|row| opening(row.session_id, row.room_id, row.opened_at, row.ended_at));
    Ok(openings.collect())
}

/// Live, and nobody of the host's side was heard so far.
pub(super) async fn awaited(pool: &PgPool) -> Result<Vec<Opening>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT session_id, room_id, opened_at AS "opened_at!" FROM media_deliveries
           WHERE look_at <= now() AND opened_at IS NOT NULL ORDER BY look_at LIMIT $1"#,
        ROOMS_PER_LOOK,
    )
    .fetch_all(pool)
    .await?;
    let openings = rows.into_iter().map(|row| Opening {
        session: SessionId::from_uuid(row.session_id),
        room: RoomId::from_uuid(row.room_id),
        opened_at: row.opened_at,
        ended_at: None,
    });
    Ok(openings.collect())
}

pub(super) async fn look_again(pool: &PgPool, session: SessionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_deliveries SET look_at = now() + make_interval(secs => $2)
         WHERE session_id = $1 AND look_at IS NOT NULL",
        session.as_uuid(),
        LOOK_SECONDS,
    )
    .execute(pool)
    .await
    .map(|_| ())
}

pub(super) async fn await_no_more(pool: &PgPool, session: SessionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_deliveries SET look_at = NULL WHERE session_id = $1",
        session.as_uuid(),
    )
    .execute(pool)
    .await
    .map(|_| ())
}

pub(super) async fn mark_recorded(pool: &PgPool, session: SessionId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_deliveries SET recorded_at = $2 WHERE session_id = $1 AND recorded_at IS NULL",
        session.as_uuid(),
        now,
    )
    .execute(pool)
    .await
    .map(|_| ())
}

pub(super) async fn mark_refused(pool: &PgPool, session: SessionId, refusal: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_deliveries SET refusal = $2 WHERE session_id = $1",
        session.as_uuid(),
        refusal,
    )
    .execute(pool)
    .await
    .map(|_| ())
}

pub(super) async fn postpone(pool: &PgPool, session: SessionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE media_deliveries SET due_at = now() + make_interval(secs => $2) WHERE session_id = $1",
        session.as_uuid(),
        RETRY_SECONDS,
    )
    .execute(pool)
    .await
    .map(|_| ())
}
