//! What can be asked about attendance.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::room::{Interruption, PresenceInterval, Source, Speaking, Verdict};
use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::QueryError;
use crate::convert::RowOf;

/// Several stays of everybody in the largest room.
const INTERVALS_MAX: i64 = 100_000;

/// The evidence of what a room delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttendanceRow {
    pub session_id: SessionId,
    pub host_heard_ms: u64,
    /// Ticket holders who were there while the host's side was audible.
    pub listeners_present: u32,
    pub delivered: bool,
    pub recorded_at: Timestamp,
    /// Older records have none.
    pub verdict: Option<Verdict>,
    pub interruptions: Vec<Interruption>,
    /// In the order they were recorded.
    pub intervals: Vec<PresenceInterval>,
}

#[derive(FromRow)]
struct DeliveryRecord {
    session_id: Uuid,
    host_heard_ms: i64,
    listeners_present: i32,
    delivered: bool,
    recorded_at: Timestamp,
    verdict: Option<Json<Verdict>>,
    interruptions: Json<Vec<Interruption>>,
}

#[derive(FromRow)]
struct IntervalRecord {
    person: Uuid,
    ticket_id: Option<Uuid>,
    joined_at: Timestamp,
    joined_by: Option<Json<Source>>,
    left_at: Timestamp,
    left_by: Option<Json<Source>>,
    audible_ms: i64,
    speaking: Json<Vec<Speaking>>,
}

/// What was recorded about a room when it was over; `None` until then.
pub async fn attendance(pool: &PgPool, room: RoomId) -> Result<Option<AttendanceRow>, QueryError> {
    let select = "
        SELECT session_id, host_heard_ms, listeners_present, delivered, recorded_at, verdict, interruptions
        FROM view_presence.deliveries WHERE room_id = $1";
    let delivery: Option<DeliveryRecord> = sqlx::query_as(select).bind(room.as_uuid()).fetch_optional(pool).await?;
    let Some(delivery) = delivery else {
        return Ok(None);
    };
    // The intervals were recorded before the delivery and never change: two statements see one evidence.
    let select = "
        SELECT person, ticket_id, joined_at, joined_by, left_at, left_by, audible_ms, speaking
        FROM view_presence.intervals WHERE room_id = $1
        ORDER BY position, ordinal LIMIT $2";
    let intervals: Vec<IntervalRecord> = sqlx::query_as(select)
        .bind(room.as_uuid())
        .bind(INTERVALS_MAX)
        .fetch_all(pool)
        .await?;
    let row = RowOf::new("view_presence.deliveries", room);
    Ok(Some(AttendanceRow {
        session_id: SessionId::from_uuid(delivery.session_id),
        host_heard_ms: row.position("host_heard_ms", delivery.host_heard_ms)?,
        listeners_present: row.count("listeners_present", delivery.listeners_present)?,
        delivered: delivery.delivered,
        recorded_at: delivery.recorded_at,
        verdict: delivery.verdict.map(|verdict| verdict.0),
        interruptions: delivery.interruptions.0,
        intervals: intervals.iter().map(interval).collect::<Result<_, _>>()?,
    }))
}

fn interval(record: &IntervalRecord) -> Result<PresenceInterval, QueryError> {
    let row = RowOf::new("view_presence.intervals", record.person);
    Ok(PresenceInterval {
        user: UserId::from_uuid(record.person),
        ticket_id: record.ticket_id.map(TicketId::from_uuid),
        joined_at: record.joined_at,
        left_at: record.left_at,
        audible_ms: row.position("audible_ms", record.audible_ms)?,
        joined_by: record.joined_by.as_ref().map(|by| by.0),
        left_by: record.left_by.as_ref().map(|by| by.0),
        speaking: record.speaking.0.clone(),
    })
}
