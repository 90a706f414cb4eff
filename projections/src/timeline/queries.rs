//! What can be asked of timelines.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{AnyEvent, RoomId, StoredEvent, TicketId, Timestamp};
use serde_json::Value;
use sqlx::{FromRow, PgPool};

use crate::QueryError;
use crate::convert::{RowOf, bigint};

/// One event of a room or of one of its tickets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimelineLine {
    pub position: u64,
    /// When the log took it in.
    pub at: Timestamp,
    pub event_type: String,
    /// Whose event it is, if not the room's own.
    pub ticket_id: Option<TicketId>,
    /// The event's payload.
    pub facts: Value,
}

#[derive(FromRow)]
struct EntryRecord {
    position: i64,
    recorded_at: Timestamp,
    aggregate_type: String,
    aggregate_id: String,
    event_type: String,
    event_version: String,
    payload: String,
}

/// As many rows as are surely enough; the positions in them; and what the log says there.
const SELECT: &str = "
    WITH rows AS MATERIALIZED (
        SELECT positions FROM view_timeline.entries WHERE room_id = $1 AND last > $2 ORDER BY last LIMIT $3
    ), wanted AS MATERIALIZED (
        SELECT position FROM rows, unnest(positions) AS position WHERE position > $2 ORDER BY position LIMIT $3
    )
    SELECT position, recorded_at, aggregate_type, aggregate_id, event_type, event_version, payload::text AS payload
    FROM wanted JOIN events USING (position)
    ORDER BY position";

/// What happened to a room and its tickets, in order; `after` is the position of the last line seen.
pub async fn timeline(
    pool: &PgPool,
    room: RoomId,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<TimelineLine>, QueryError> {
    let records: Vec<EntryRecord> = sqlx::query_as(SELECT)
        .bind(room.as_uuid())
        .bind(bigint(after.unwrap_or(0)))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.iter().map(line).collect()
}

fn line(record: &EntryRecord) -> Result<TimelineLine, QueryError> {
    let row = RowOf::new("events", record.position);
    let event = AnyEvent::read(StoredEvent {
        aggregate_type: &record.aggregate_type,
        aggregate_id: &record.aggregate_id,
        event_type: &record.event_type,
        event_version: &record.event_version,
        payload: record.payload.as_bytes(),
    });
    let (event_type, ticket_id, facts) = match row.fit("payload", event)? {
        AnyEvent::Room(_, event) => (event.name(), None, serde_json::to_value(event)),
        AnyEvent::Ticket(ticket, event) => (event.name(), Some(ticket), serde_json::to_value(event)),
        AnyEvent::Payout(_, event) => (event.name(), None, serde_json::to_value(event)),
        AnyEvent::Shop(_, event) => (event.name(), None, serde_json::to_value(event)),
    };
    Ok(TimelineLine {
        position: row.position("position", record.position)?,
        at: record.recorded_at,
        event_type: event_type.to_owned(),
        ticket_id,
        facts: row.fit("payload", facts)?,
    })
}
