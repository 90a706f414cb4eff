//! Writes who may be where.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::HashMap;
use std::sync::Arc;

use domain::{RoomId, TicketId, Timestamp, UserId};
use event_log::Recorded;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};
use uuid::Uuid;

use super::evolve::{EntitlementChange, evolve};
use super::line::turn_after;
use crate::ApplyError;
use crate::convert::bigint;

const NOT_ISSUED: &str = "not_issued";
const ENTRY: &str = "entry";
const REFUNDED: &str = "refunded";
const REVOKED: &str = "revoked";

const KNOW_ROOM: &str = "INSERT INTO rooms (room_id, host, capacity, may_be_recorded) VALUES ($1, $2, $3, $4)";
const REVISE: &str = "
    UPDATE rooms SET capacity = coalesce($2, capacity), may_be_recorded = coalesce($3, may_be_recorded)
    WHERE room_id = $1";
const OPEN_LOBBY: &str = "UPDATE rooms SET session_id = $2, lobby = true WHERE room_id = $1";
const OPEN: &str = "UPDATE rooms SET session_id = $2, lobby = false, live = true, live_since = $3 WHERE room_id = $1";
const CLOSE: &str = "UPDATE rooms SET live = false, lobby = false WHERE room_id = $1";
const KNOW_TICKETS: &str = "
    INSERT INTO tickets (ticket_id, room_id, holder, right_to)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])";
const MOVE_TICKETS: &str = "
    UPDATE tickets SET right_to = moved.right_to
    FROM unnest($1::uuid[], $2::text[]) AS moved (ticket_id, right_to)
    WHERE tickets.ticket_id = moved.ticket_id";
const GIVE_TICKETS: &str = "
    UPDATE tickets SET holder = given.holder FROM unnest($1::uuid[], $2::uuid[]) AS given (ticket_id, holder)
    WHERE tickets.ticket_id = given.ticket_id";
const LAST_TURN: &str = "SELECT last_turn FROM doors";
const KEEP_LAST_TURN: &str = "
    INSERT INTO doors (last_turn) VALUES ($1) ON CONFLICT (one) DO UPDATE SET last_turn = excluded.last_turn";
const GIVE_TURNS: &str = "
    UPDATE tickets SET turn_at = given.turn_at FROM unnest($1::uuid[], $2::timestamptz[]) AS given (ticket_id, turn_at)
    WHERE tickets.ticket_id = given.ticket_id";
const TAKE_OVER: &str = "
    INSERT INTO entries (room_id, entrant, is_ticket, entry, taken_over_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (room_id, entrant, is_ticket) DO UPDATE SET entry = excluded.entry, taken_over_at = excluded.taken_over_at";
const VOICE: &str = "
    INSERT INTO voices (room_id, person, stands, position) VALUES ($1, $2, $3, $4)
    ON CONFLICT (room_id, person) DO UPDATE
    SET stands = excluded.stands, muted = false, position = excluded.position";
/// Who led leads no more, and then the host does.
const LEAVE: &str = "
    WITH led AS (UPDATE rooms SET lead = NULL WHERE room_id = $1 AND lead = $2)
    DELETE FROM voices WHERE room_id = $1 AND person = $2";
const MUTE: &str = "UPDATE voices SET muted = $3 WHERE room_id = $1 AND person = $2";
const EXCLUDE: &str = "
    WITH led AS (UPDATE rooms SET lead = NULL WHERE room_id = $1 AND lead = $2),
    silenced AS (DELETE FROM voices WHERE room_id = $1 AND person = $2)
    INSERT INTO excluded (room_id, person, reason) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
/// The end of a ban from one room is the end of a removal, too.
const LET_BACK: &str = "
    DELETE FROM excluded WHERE room_id = $1 AND person = $2 AND (reason = 'banned_everywhere') = $3";
const RECORD: &str = "UPDATE rooms SET is_recorded = $2 WHERE room_id = $1";
const LEAD: &str = "UPDATE rooms SET lead = nullif($2, host) WHERE room_id = $1";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut tickets = Tickets::default();
    for recorded in page {
        match evolve(&recorded.event) {
            Some(EntitlementChange::KnowTicket { ticket, room, holder }) => tickets.know(ticket, room, holder),
            Some(EntitlementChange::Entitle { ticket }) => tickets.give(ticket, ENTRY),
            Some(EntitlementChange::GiveTo { ticket, holder }) => tickets.give_to(ticket, holder),
            Some(EntitlementChange::Revoke { ticket }) => tickets.give(ticket, REFUNDED),
            Some(EntitlementChange::Bar { ticket }) => tickets.give(ticket, REVOKED),
            Some(EntitlementChange::Present { ticket, per_second, at }) => tickets.present(ticket, per_second, at),
            Some(change) => execute(change, bigint(recorded.position), tables).await?,
            None => {}
        }
    }
    tickets.write(tables).await?;
    Ok(())
}

/// What a page says about tickets; nothing else in this view rests on them.
#[derive(Default)]
struct Tickets {
    new: HashMap<Uuid, NewTicket>,
    moved: HashMap<Uuid, &'static str>,
    holders: HashMap<Uuid, Uuid>,
    /// In the order of the log.
    presented: Vec<Presented>,
}

struct Presented {
    ticket: Uuid,
    per_second: u32,
    at: Timestamp,
}

struct NewTicket {
    room: Uuid,
    holder: Uuid,
    right_to: &'static str,
}

impl Tickets {
    fn know(&mut self, ticket: TicketId, room: RoomId, holder: UserId) {
        let new = NewTicket {
            room: room.as_uuid(),
            holder: holder.as_uuid(),
            right_to: NOT_ISSUED,
        };
        self.new.insert(ticket.as_uuid(), new);
    }

    fn give(&mut self, ticket: TicketId, right_to: &'static str) {
        match self.new.get_mut(&ticket.as_uuid()) {
            Some(new) => new.right_to = right_to,
            None => {
                self.moved.insert(ticket.as_uuid(), right_to);
            }
        }
    }

    fn give_to(&mut self, ticket: TicketId, holder: UserId) {
        match self.new.get_mut(&ticket.as_uuid()) {
            Some(new) => new.holder = holder.as_uuid(),
            None => {
                self.holders.insert(ticket.as_uuid(), holder.as_uuid());
            }
        }
    }

    fn present(&mut self, ticket: TicketId, per_second: u32, at: Timestamp) {
        let ticket = ticket.as_uuid();
        self.presented.push(Presented { ticket, per_second, at });
    }

    async fn write(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.new.is_empty() {
            let new = self.new.values();
            sqlx::query(KNOW_TICKETS)
                .bind(self.new.keys().copied().collect::<Vec<Uuid>>())
                .bind(new.clone().map(|ticket| ticket.room).collect::<Vec<Uuid>>())
                .bind(new.clone().map(|ticket| ticket.holder).collect::<Vec<Uuid>>())
                .bind(new.map(|ticket| ticket.right_to).collect::<Vec<&str>>())
                .execute(&mut *tables)
                .await?;
        }
        if !self.holders.is_empty() {
            sqlx::query(GIVE_TICKETS)
                .bind(self.holders.keys().copied().collect::<Vec<Uuid>>())
                .bind(self.holders.values().copied().collect::<Vec<Uuid>>())
                .execute(&mut *tables)
                .await?;
        }
        if !self.moved.is_empty() {
            sqlx::query(MOVE_TICKETS)
                .bind(self.moved.keys().copied().collect::<Vec<Uuid>>())
                .bind(self.moved.values().copied().collect::<Vec<&str>>())
                .execute(&mut *tables)
                .await?;
        }
        self.give_turns(tables).await
    }

    async fn give_turns(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.presented.is_empty() {
            return Ok(());
        }
        let mut last: Option<Timestamp> = sqlx::query_scalar(LAST_TURN).fetch_optional(&mut *tables).await?;
        let mut turns = Vec::with_capacity(self.presented.len());
        for presented in &self.presented {
            let turn = turn_after(last, presented.at, presented.per_second);
            turns.push(turn);
            last = Some(turn);
        }
        sqlx::query(GIVE_TURNS)
            .bind(
                self.presented
                    .iter()
                    .map(|presented| presented.ticket)
                    .collect::<Vec<Uuid>>(),
            )
            .bind(turns)
            .execute(&mut *tables)
            .await?;
        sqlx::query(KEEP_LAST_TURN).bind(last).execute(tables).await?;
        Ok(())
    }
}

async fn execute(change: EntitlementChange, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    match change {
        EntitlementChange::KnowRoom {
            room,
            host,
            capacity,
            may_be_recorded,
        } => {
            let query = about(KNOW_ROOM, room, host).bind(seats(capacity)).bind(may_be_recorded);
            query.execute(tables).await.map(drop)
        }
        EntitlementChange::Revise {
            room,
            capacity,
            may_be_recorded,
        } => {
            let query = of(REVISE, room).bind(capacity.map(seats));
            query.bind(may_be_recorded).execute(tables).await.map(drop)
        }
        EntitlementChange::OpenLobby { room, session } => {
            write(OPEN_LOBBY, &[room.as_uuid(), session.as_uuid()], tables).await
        }
        EntitlementChange::Open { room, session, at } => {
            let query = sqlx::query(OPEN).bind(room.as_uuid()).bind(session.as_uuid()).bind(at);
            query.execute(tables).await.map(drop)
        }
        EntitlementChange::TakeOver {
            room,
            entrant,
            is_ticket,
            entry,
            at,
        } => {
            let query = of(TAKE_OVER, room).bind(entrant).bind(is_ticket);
            query.bind(seats(entry)).bind(at).execute(tables).await.map(drop)
        }
        EntitlementChange::Record { room, runs } => of(RECORD, room).bind(runs).execute(tables).await.map(drop),
        EntitlementChange::Close { room } => write(CLOSE, &[room.as_uuid()], tables).await,
        EntitlementChange::Leave { room, person } => write(LEAVE, &[room.as_uuid(), person.as_uuid()], tables).await,
        EntitlementChange::Lead { room, person } => write(LEAD, &[room.as_uuid(), person.as_uuid()], tables).await,
        EntitlementChange::Stand { room, person, stands } => {
            let query = about(VOICE, room, person).bind(stands.name()).bind(position);
            query.execute(tables).await.map(drop)
        }
        EntitlementChange::Mute { room, person, muted } => {
            about(MUTE, room, person).bind(muted).execute(tables).await.map(drop)
        }
        EntitlementChange::Exclude { room, person, reason } => {
            let query = about(EXCLUDE, room, person).bind(reason.name());
            query.execute(tables).await.map(drop)
        }
        EntitlementChange::LetBack {
            room,
            person,
            everywhere,
        } => {
            let query = about(LET_BACK, room, person).bind(everywhere);
            query.execute(tables).await.map(drop)
        }
        EntitlementChange::KnowTicket { .. }
        | EntitlementChange::Entitle { .. }
        | EntitlementChange::GiveTo { .. }
        | EntitlementChange::Present { .. }
        | EntitlementChange::Revoke { .. }
        | EntitlementChange::Bar { .. } => {
            Ok(()) // gathered by the page
        }
    }
}

/// Counts of seats and entries are far below what the column holds.
fn seats(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

async fn write(statement: &'static str, ids: &[Uuid], tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let query = ids.iter().fold(sqlx::query(statement), |query, id| query.bind(*id));
    query.execute(tables).await?;
    Ok(())
}

fn of(statement: &'static str, room: RoomId) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(statement).bind(room.as_uuid())
}

fn about(statement: &'static str, room: RoomId, person: UserId) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(statement).bind(room.as_uuid()).bind(person.as_uuid())
}
