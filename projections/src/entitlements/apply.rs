//! Writes who may be where.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::{EntitlementChange, evolve};
use crate::ApplyError;
use crate::convert::bigint;

const KNOW_ROOM: &str = "INSERT INTO rooms (room_id, host) VALUES ($1, $2)";
const OPEN: &str = "UPDATE rooms SET session_id = $2, live = true WHERE room_id = $1";
const CLOSE: &str = "UPDATE rooms SET live = false WHERE room_id = $1";
const KNOW_TICKET: &str =
    "INSERT INTO tickets (ticket_id, room_id, holder, right_to) VALUES ($1, $2, $3, 'not_issued')";
const ENTITLE: &str = "UPDATE tickets SET right_to = 'entry' WHERE ticket_id = $1";
const REVOKE: &str = "UPDATE tickets SET right_to = 'refunded' WHERE ticket_id = $1";
const VOICE: &str = "
    INSERT INTO voices (room_id, person, speaks, position) VALUES ($1, $2, $3, $4)
    ON CONFLICT (room_id, person) DO UPDATE SET speaks = excluded.speaks, position = excluded.position";
const BE_SILENT: &str = "DELETE FROM voices WHERE room_id = $1 AND person = $2";
const REMOVE: &str = "
    WITH silenced AS (DELETE FROM voices WHERE room_id = $1 AND person = $2)
    INSERT INTO removed (room_id, person) VALUES ($1, $2) ON CONFLICT DO NOTHING";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        if let Some(change) = evolve(recorded) {
            execute(change, bigint(recorded.position), tables).await?;
        }
    }
    Ok(())
}

async fn execute(change: EntitlementChange, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    match change {
        EntitlementChange::KnowRoom { room, host } => write(KNOW_ROOM, &[room.as_uuid(), host.as_uuid()], tables).await,
        EntitlementChange::Open { room, session } => write(OPEN, &[room.as_uuid(), session.as_uuid()], tables).await,
        EntitlementChange::Close { room } => write(CLOSE, &[room.as_uuid()], tables).await,
        EntitlementChange::KnowTicket { ticket, room, holder } => {
            write(
                KNOW_TICKET,
                &[ticket.as_uuid(), room.as_uuid(), holder.as_uuid()],
                tables,
            )
            .await
        }
        EntitlementChange::Entitle { ticket } => write(ENTITLE, &[ticket.as_uuid()], tables).await,
        EntitlementChange::Revoke { ticket } => write(REVOKE, &[ticket.as_uuid()], tables).await,
        EntitlementChange::AskToSpeak { room, person } => {
            set_voice(room.as_uuid(), person.as_uuid(), false, position, tables).await
        }
        EntitlementChange::MaySpeak { room, person } => {
            set_voice(room.as_uuid(), person.as_uuid(), true, position, tables).await
        }
        EntitlementChange::BeSilent { room, person } => {
            write(BE_SILENT, &[room.as_uuid(), person.as_uuid()], tables).await
        }
        EntitlementChange::Remove { room, person } => write(REMOVE, &[room.as_uuid(), person.as_uuid()], tables).await,
    }
}

async fn write(statement: &'static str, ids: &[Uuid], tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let query = ids.iter().fold(sqlx::query(statement), |query, id| query.bind(*id));
    query.execute(tables).await?;
    Ok(())
}

async fn set_voice(
    room: Uuid,
    person: Uuid,
    speaks: bool,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    sqlx::query(VOICE)
        .bind(room)
        .bind(person)
        .bind(speaks)
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}
