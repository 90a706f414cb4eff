//! What can be asked of timelines.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{RoomId, TicketId, Timestamp};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

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
    at: Timestamp,
    event_type: String,
    ticket_id: Option<Uuid>,
    facts: Json<Value>,
}

/// What happened to a room and its tickets, in order; `after` is the position of the last line seen.
pub async fn timeline(
    pool: &PgPool,
    room: RoomId,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<TimelineLine>, QueryError> {
    let select = "
        SELECT position, at, event_type, ticket_id, facts
        FROM view_timeline.entries
        WHERE room_id = $1 AND position > $2
        ORDER BY position LIMIT $3";
    let records: Vec<EntryRecord> = sqlx::query_as(select)
        .bind(room.as_uuid())
        .bind(bigint(after.unwrap_or(0)))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(line).collect()
}

fn line(record: EntryRecord) -> Result<TimelineLine, QueryError> {
    let row = RowOf::new("view_timeline.entries", record.position);
    Ok(TimelineLine {
        position: row.position("position", record.position)?,
        at: record.at,
        event_type: record.event_type,
        ticket_id: record.ticket_id.map(TicketId::from_uuid),
        facts: record.facts.0,
    })
}
