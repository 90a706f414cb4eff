//! Writes attendance.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::room::{DeliveryRecorded, PresenceInterval, Source, Speaking};
use domain::{RoomId, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;
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
    let joined_by: Vec<Option<Json<Source>>> = intervals.iter().map(|stay| stay.joined_by.map(Json)).collect();
    let left_by: Vec<Option<Json<Source>>> = intervals.iter().map(|stay| stay.left_by.map(Json)).collect();
    let speaking: Vec<Json<&[Speaking]>> = intervals.iter().map(|stay| Json(stay.speaking.as_slice())).collect();
    let audible: Vec<i64> = intervals.iter().map(|stay| bigint(stay.audible_ms)).collect();
    let insert = "
        INSERT INTO intervals (room_id, position, ordinal, person, ticket_id, joined_at, joined_by, left_at, left_by,
            audible_ms, speaking)
        SELECT $1, $2, ordinal, person, ticket_id, joined_at, joined_by, left_at, left_by, audible_ms, speaking
        FROM unnest($3::uuid[], $4::uuid[], $5::timestamptz[], $6::json[], $7::timestamptz[], $8::json[], $9::bigint[],
            $10::json[])
            WITH ORDINALITY AS stay (person, ticket_id, joined_at, joined_by, left_at, left_by, audible_ms, speaking,
                ordinal)";
    sqlx::query(insert)
        .bind(room.as_uuid())
        .bind(position)
        .bind(people)
        .bind(tickets)
        .bind(joined)
        .bind(joined_by)
        .bind(left)
        .bind(left_by)
        .bind(audible)
        .bind(speaking)
        .execute(tables)
        .await?;
    Ok(())
}

async fn deliver(room: RoomId, delivery: &DeliveryRecorded, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let insert = "
        INSERT INTO deliveries (room_id, session_id, host_heard_ms, listeners_present, delivered, recorded_at, verdict,
            interruptions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(insert)
        .bind(room.as_uuid())
        .bind(delivery.session_id.as_uuid())
        .bind(bigint(delivery.host_heard_ms))
        .bind(int(delivery.listeners_present))
        .bind(delivery.delivered)
        .bind(delivery.recorded_at)
        .bind(delivery.verdict.map(Json))
        .bind(Json(&delivery.interruptions))
        .execute(tables)
        .await?;
    Ok(())
}
