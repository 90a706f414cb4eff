//! Writes the catalogue.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::room::RoomScheduled;
use domain::{RoomId, TicketId, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::RoomState;
use super::evolve::{CatalogueChange, Seat, evolve};
use crate::ApplyError;
use crate::convert::{bigint, int, text};

const LIST: &str = "
    INSERT INTO rooms (room_id, host_id, title, description, language, state, starts_at, planned_minutes, price_minor,
        currency, capacity, sales_open_at, sales_close_at, tickets_per_buyer, hold_seconds, refund_policy,
        no_show_minutes, created_position, position, search)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)";

/// Counts by what the seat was before, so that a seat sold late (its hold long released) is not taken off the holds.
const TAKE_SEAT: &str = "
    WITH before AS (SELECT state FROM seats WHERE ticket_id = $1),
         taken AS (
             INSERT INTO seats (ticket_id, room_id, state) VALUES ($1, $2, $3)
             ON CONFLICT (ticket_id) DO UPDATE SET state = excluded.state
         )
    UPDATE rooms SET
        held = held + ($3 = 'held')::int - (SELECT count(*) FROM before WHERE state = 'held')::int,
        sold = sold + ($3 = 'sold')::int - (SELECT count(*) FROM before WHERE state = 'sold')::int,
        position = $4
    WHERE room_id = $2";

const FREE_SEAT: &str = "
    WITH freed AS (DELETE FROM seats WHERE ticket_id = $1 RETURNING state)
    UPDATE rooms SET
        held = held - (SELECT count(*) FROM freed WHERE state = 'held')::int,
        sold = sold - (SELECT count(*) FROM freed WHERE state = 'sold')::int,
        position = $3
    WHERE room_id = $2";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        if let Some(change) = evolve(recorded) {
            execute(change, bigint(recorded.position), tables).await?;
        }
    }
    Ok(())
}

async fn execute(change: CatalogueChange<'_>, position: i64, tables: &mut PgConnection) -> Result<(), ApplyError> {
    match change {
        CatalogueChange::List(room) => list(room, position, tables).await?,
        CatalogueChange::TakeSeat { room, ticket, seat } => take_seat(room, ticket, seat, position, tables).await?,
        CatalogueChange::FreeSeat { room, ticket } => {
            sqlx::query(FREE_SEAT)
                .bind(ticket.as_uuid())
                .bind(room.as_uuid())
                .bind(position)
                .execute(tables)
                .await?;
        }
        CatalogueChange::Open { room, at } => {
            set_state(room, RoomState::Live, Some(at), None, position, tables).await?;
        }
        CatalogueChange::End { room, at } => {
            set_state(room, RoomState::Ended, None, Some(at), position, tables).await?;
        }
        CatalogueChange::Cancel { room } => {
            set_state(room, RoomState::Cancelled, None, None, position, tables).await?;
        }
    }
    Ok(())
}

async fn list(room: &RoomScheduled, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(LIST)
        .bind(room.room_id.as_uuid())
        .bind(room.host.as_uuid())
        .bind(text(&room.title))
        .bind(text(&room.description))
        .bind(text(&room.language))
        .bind(RoomState::Scheduled.as_str())
        .bind(room.starts_at)
        .bind(int(room.planned_minutes))
        .bind(room.price.amount_minor())
        .bind(room.price.currency().code())
        .bind(int(room.capacity))
        .bind(room.sales_open_at)
        .bind(room.sales_close_at)
        .bind(int(room.tickets_per_buyer))
        .bind(int(room.hold_seconds))
        .bind(Json(room.refund_policy))
        .bind(int(room.no_show_minutes))
        .bind(position)
        .bind(searchable(&room.title, &room.description))
        .execute(tables)
        .await?;
    Ok(())
}

async fn take_seat(
    room: RoomId,
    ticket: TicketId,
    seat: Seat,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let state = match seat {
        Seat::Held => "held",
        Seat::Sold => "sold",
    };
    sqlx::query(TAKE_SEAT)
        .bind(ticket.as_uuid())
        .bind(room.as_uuid())
        .bind(state)
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn set_state(
    room: RoomId,
    state: RoomState,
    opened_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE rooms SET state = $2, opened_at = coalesce($3, opened_at), ended_at = coalesce($4, ended_at), position = $5
        WHERE room_id = $1";
    sqlx::query(update)
        .bind(room.as_uuid())
        .bind(state.as_str())
        .bind(opened_at)
        .bind(ended_at)
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

/// What a search looks at; [`super::queries`] lower-cases what it looks for in the same way.
fn searchable(title: &str, description: &str) -> String {
    text(&format!("{title}\n{description}")).to_lowercase()
}
