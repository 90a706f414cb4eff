//! Writes timelines.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use event_log::Recorded;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::evolve::{TimelineChange, evolve};
use crate::ApplyError;
use crate::convert::bigint;

const ENTRY_OF_ROOM: &str = "
    INSERT INTO entries (position, room_id, at, event_type, facts)
    VALUES ($1, $2, $3, $4, $5)";

const ENTRY_OF_TICKET: &str = "
    INSERT INTO entries (position, room_id, ticket_id, at, event_type, facts)
    SELECT $1, room_id, ticket_id, $3, $4, $5
    FROM tickets WHERE ticket_id = $2";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        match evolve(recorded) {
            Some(TimelineChange::OfRoom { room, event, begins }) => {
                if let Some(ticket) = begins {
                    sqlx::query("INSERT INTO tickets (ticket_id, room_id) VALUES ($1, $2)")
                        .bind(ticket.as_uuid())
                        .bind(room.as_uuid())
                        .execute(&mut *tables)
                        .await?;
                }
                enter(ENTRY_OF_ROOM, room.as_uuid(), event.name(), event, recorded, tables).await?;
            }
            Some(TimelineChange::OfTicket { ticket, event }) => {
                enter(ENTRY_OF_TICKET, ticket.as_uuid(), event.name(), event, recorded, tables).await?;
            }
            None => {}
        }
    }
    Ok(())
}

async fn enter(
    statement: &'static str,
    subject: uuid::Uuid,
    event_type: &'static str,
    facts: &(impl Serialize + Sync),
    recorded: &Recorded,
    tables: &mut PgConnection,
) -> Result<(), ApplyError> {
    let entered = sqlx::query(statement)
        .bind(bigint(recorded.position))
        .bind(subject)
        .bind(recorded.recorded_at)
        .bind(event_type)
        .bind(Json(facts))
        .execute(tables)
        .await?;
    if entered.rows_affected() == 0 {
        let position = recorded.position;
        return Err(ApplyError::MissingFact { position, what: "hold" });
    }
    Ok(())
}
