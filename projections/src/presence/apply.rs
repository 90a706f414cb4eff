//! Writes attendance.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::room::{DeliveryRecorded, PresenceInterval};
use domain::{RoomId, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::{PresenceChange, evolve};
use crate::ApplyError;
use crate::convert::{bigint, int};

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        match evolve(&recorded.event) {
            Some(PresenceChange::Attend { room, intervals }) => {
                attend(room, intervals, bigint(recorded.position), tables).await?;
            }
            Some(PresenceChange::Deliver { room, delivery }) => deliver(room, delivery, tables).await?,
            None => {}
        }
    }
    Ok(())
}

async fn attend(
    room: RoomId,
    intervals: &[PresenceInterval],
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let people: Vec<Uuid> = intervals.iter().map(|stay| stay.user.as_uuid()).collect();
    let tickets: Vec<Option<Uuid>> = intervals
        .iter()
        .map(|stay| stay.ticket_id.map(|ticket| ticket.as_uuid()))
        .collect();
    let joined: Vec<Timestamp> = intervals.iter().map(|stay| stay.joined_at).collect();
    let left: Vec<Timestamp> = intervals.iter().map(|stay| stay.left_at).collect();
    let audible: Vec<i64> = intervals.iter().map(|stay| bigint(stay.audible_ms)).collect();
    let insert = "
        INSERT INTO intervals (room_id, position, ordinal, person, ticket_id, joined_at, left_at, audible_ms)
        SELECT $1, $2, ordinal, person, ticket_id, joined_at, left_at, audible_ms
        FROM unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::bigint[])
            WITH ORDINALITY AS stay (person, ticket_id, joined_at, left_at, audible_ms, ordinal)";
    sqlx::query(insert)
        .bind(room.as_uuid())
        .bind(position)
        .bind(people)
        .bind(tickets)
        .bind(joined)
        .bind(left)
        .bind(audible)
        .execute(tables)
        .await?;
    Ok(())
}

async fn deliver(room: RoomId, delivery: &DeliveryRecorded, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let insert = "
        INSERT INTO deliveries (room_id, session_id, host_heard_ms, listeners_present, delivered, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(room.as_uuid())
        .bind(delivery.session_id.as_uuid())
        .bind(bigint(delivery.host_heard_ms))
        .bind(int(delivery.listeners_present))
        .bind(delivery.delivered)
        .bind(delivery.recorded_at)
        .execute(tables)
        .await?;
    Ok(())
}
