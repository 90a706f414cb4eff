//! The event list: complete, and in the order of commits.

use domain::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::deliveries::Schedule;
use crate::sandbox::error::{Refusal, StoreError};
use crate::sandbox::webhooks;
use crate::{EventPage, ProviderEvent};

/// More is never read at once.
const PAGE_MAX: u32 = 500;

/// Writes events and their webhooks, last in the transaction that makes them true.
///
/// An identity column numbers rows when they are inserted, not when they are committed: of two transactions the later
/// number may become visible first, and a reader who then asks for `seq > cursor` would never see the earlier one. So
/// writers come one at a time, from before the numbers are drawn until after the commit.
pub(in crate::sandbox) async fn record(
    tx: &mut PgConnection,
    announcements: &[(ProviderEvent, Schedule)],
) -> Result<(), StoreError> {
    if announcements.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = announcements.iter().map(|(event, _)| event.id.clone()).collect();
    let bodies: Vec<String> = announcements.iter().map(|(event, _)| webhooks::encode(event)).collect();
    let created_at: Vec<Timestamp> = announcements.iter().map(|(event, _)| event.created_at).collect();
    let due_at: Vec<Timestamp> = announcements.iter().map(|(_, schedule)| schedule.due_at).collect();
    let times: Vec<i32> = announcements.iter().map(|(_, schedule)| schedule.times).collect();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('sandbox.events', 0))")
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "WITH new AS (
            SELECT *
            FROM UNNEST($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])
                AS new (id, body, created_at, due_at, times)
        ), recorded AS (
            INSERT INTO sandbox.events (id, body, created_at)
            SELECT id, body, created_at FROM new
            RETURNING seq, id
        )
        INSERT INTO sandbox.deliveries (event_seq, due_at)
        SELECT recorded.seq, new.due_at
        FROM recorded
        JOIN new USING (id)
        CROSS JOIN generate_series(1, new.times)",
        &ids,
        &bodies,
        &created_at,
        &due_at,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether the fact was told, by the event's name.
pub(in crate::sandbox) async fn exists(tx: &mut PgConnection, id: &str) -> Result<bool, StoreError> {
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM sandbox.events WHERE id = $1) AS "exists!""#,
        id
    )
    .fetch_one(tx)
    .await?;
    Ok(exists)
}

/// The cursor is the number of the last event read.
pub(in crate::sandbox) async fn list(pool: &PgPool, after: Option<&str>, limit: u32) -> Result<EventPage, StoreError> {
    let after: i64 = match after {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| Refusal::InvalidCursor)?,
    };
    let rows = sqlx::query!(
        "SELECT
            seq,
            body
        FROM sandbox.events
        WHERE seq > $1
        ORDER BY seq
        LIMIT $2",
        after,
        i64::from(limit.clamp(1, PAGE_MAX)),
    )
    .fetch_all(pool)
    .await?;
    let next = rows.last().map(|row| row.seq.to_string());
    let read = |(seq, body): (i64, String)| {
        webhooks::decode(body.as_bytes()).map_err(|_| StoreError::InconsistentRow {
            table: "sandbox.events",
            column: "body",
            id: seq.to_string(),
        })
    };
    let events = rows.into_iter().map(|row| read((row.seq, row.body)));
    Ok(EventPage {
        events: events.collect::<Result<_, _>>()?,
        next,
    })
}
