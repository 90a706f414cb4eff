//! The event list: complete, and in the order of commits.

use sqlx::{PgConnection, PgPool};

use super::deliveries::{self, Schedule};
use crate::sandbox::error::{Refusal, StoreError};
use crate::sandbox::webhooks;
use crate::{EventPage, ProviderEvent};

/// More is never read at once.
const PAGE_MAX: u32 = 500;

/// Writes the event and its webhooks, last in the transaction that makes it true.
///
/// An identity column numbers rows when they are inserted, not when they are committed: of two transactions the later
/// number may become visible first, and a reader who then asks for `seq > cursor` would never see the earlier one. So
/// writers come one at a time, from before the number is drawn until after the commit.
pub(in crate::sandbox) async fn record(
    tx: &mut PgConnection,
    event: &ProviderEvent,
    schedule: Schedule,
) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('sandbox.events', 0))")
        .execute(&mut *tx)
        .await?;
    let seq = sqlx::query_scalar!(
        "INSERT INTO sandbox.events (id, body, created_at) VALUES ($1, $2, $3) RETURNING seq",
        event.id,
        webhooks::encode(event),
        event.created_at,
    )
    .fetch_one(&mut *tx)
    .await?;
    deliveries::schedule(tx, seq, schedule).await
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
