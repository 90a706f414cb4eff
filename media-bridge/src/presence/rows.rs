//! Stays in the database.

use domain::room::Source;
use domain::{SessionId, Timestamp, UserId};
use sqlx::PgPool;
use sqlx::types::Json;

use super::merge::{Left, Stay};
use super::speech::Speech;
use crate::Identity;

/// Ten times the connections of a full room.
const STAYS_MAX: i64 = 100_000;

/// A stay, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Attendee {
    pub(crate) identity: Identity,
    pub(crate) participant_sid: String,
    pub(crate) user: UserId,
    pub(crate) stay: Stay,
}

/// All stays of an opening, in their order.
pub(crate) async fn stays_of(pool: &PgPool, session: SessionId) -> Result<Vec<Attendee>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT identity, participant_sid, user_id, joined_at, joined_by, seen_at, left_at, left_by, audible,
                  speech AS "speech: Json<Speech>"
           FROM media_presence WHERE session_id = $1 ORDER BY joined_at, identity, participant_sid LIMIT $2"#,
        session.as_uuid(),
        STAYS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let attendees = rows.into_iter().filter_map(|row| {
        Some(Attendee {
            identity: row.identity.parse().ok()?,
            participant_sid: row.participant_sid,
            user: UserId::from_uuid(row.user_id),
            stay: Stay {
                joined_at: row.joined_at,
                joined_by: source(Some(&row.joined_by)),
                seen_at: row.seen_at,
                left: row.left_at.map(|at| Left {
                    at,
                    by: source(row.left_by.as_deref()),
                }),
                audible: row.audible,
                speech: row.speech.0,
            },
        })
    });
    Ok(attendees.collect())
}

/// Writes stays as they are now.
pub(crate) async fn write(pool: &PgPool, session: SessionId, stays: &[Attendee]) -> Result<(), sqlx::Error> {
    fn column<T>(stays: &[Attendee], value: impl Fn(&Attendee) -> T) -> Vec<T> {
        stays.iter().map(value).collect()
    }
    let joined_by = column(stays, |of| name(of.stay.joined_by).to_owned());
    let left_by: Vec<Option<String>> = column(stays, |of| of.stay.left.map(|left| name(left.by).to_owned()));
    let left_at: Vec<Option<Timestamp>> = column(stays, |of| of.stay.left.map(|left| left.at));
    let speech = column(stays, |of| Json(of.stay.speech.clone()));
    sqlx::query!(
        "INSERT INTO media_presence AS stay
             (session_id, identity, participant_sid, user_id, joined_at, joined_by, seen_at, left_at, left_by, audible,
              audible_ms, speech)
         SELECT $1, row.* FROM UNNEST($2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[], $7::timestamptz[],
                                      $8::timestamptz[], $9::text[], $10::boolean[], $11::bigint[], $12::jsonb[]) AS row
         ON CONFLICT (session_id, identity, participant_sid) DO UPDATE
         SET seen_at = EXCLUDED.seen_at, left_at = EXCLUDED.left_at, left_by = EXCLUDED.left_by,
             audible = EXCLUDED.audible, audible_ms = EXCLUDED.audible_ms, speech = EXCLUDED.speech",
        session.as_uuid(),
        &column(stays, |of| of.identity.to_string()),
        &column(stays, |of| of.participant_sid.clone()),
        &column(stays, |of| of.user.as_uuid()),
        &column(stays, |of| of.stay.joined_at),
        &joined_by,
        &column(stays, |of| of.stay.seen_at),
        &left_at as &[Option<Timestamp>],
        &left_by as &[Option<String>],
        &column(stays, |of| of.stay.audible),
        &column(stays, |of| of.stay.speech.total_ms()),
        &speech as &[Json<Speech>],
    )
    .execute(pool)
    .await
    .map(|_| ())
}

const fn name(source: Source) -> &'static str {
    match source {
        Source::Poll => "poll",
        Source::Webhook => "webhook",
        Source::Timeout => "timeout",
        Source::RoomEnd => "room_end",
    }
}

/// What says nothing is of a time when only looks were noted down.
fn source(name: Option<&str>) -> Source {
    match name {
        Some("webhook") => Source::Webhook,
        Some("timeout") => Source::Timeout,
        Some("room_end") => Source::RoomEnd,
        Some(_) | None => Source::Poll,
    }
}
