//! Writes timelines.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ROW_MAX;
use super::evolve::{TimelineChange, evolve};
use crate::ApplyError;
use crate::convert::bigint;

const STORED_TICKETS: &str = "SELECT ticket_id, room_id FROM tickets WHERE ticket_id = ANY($1)";

const KNOW_TICKETS: &str = "INSERT INTO tickets (ticket_id, room_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])";

/// Arrays of different lengths cannot be bound as one, so each room's is cut out of all positions.
const ENTER: &str = "
    INSERT INTO entries (room_id, last, positions)
    SELECT room_id, last, ($5::bigint[])[first_index:last_index]
    FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[]) AS new (room_id, last, first_index, last_index)";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let new = begun(page);
    let rooms = rooms_of_others(page, &new, tables).await?;
    let mut entries: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for recorded in page {
        let room = match evolve(&recorded.event) {
            Some(TimelineChange::OfRoom { room }) => room.as_uuid(),
            Some(TimelineChange::OfTicket { ticket, .. }) => {
                let ticket = ticket.as_uuid();
                let room = new.get(&ticket).or_else(|| rooms.get(&ticket)).copied();
                let (position, what) = (recorded.position, "order");
                room.ok_or(ApplyError::MissingFact { position, what })?
            }
            None => continue,
        };
        entries.entry(room).or_default().push(bigint(recorded.position));
    }
    write(&new, &entries, tables).await?;
    Ok(())
}

/// The tickets that begin in this page, with their rooms.
fn begun(page: &[Arc<Recorded>]) -> HashMap<Uuid, Uuid> {
    let begun = |recorded: &Arc<Recorded>| match evolve(&recorded.event) {
        Some(TimelineChange::OfTicket {
            ticket,
            begins_in: Some(room),
        }) => Some((ticket.as_uuid(), room.as_uuid())),
        Some(TimelineChange::OfTicket { .. } | TimelineChange::OfRoom { .. }) | None => None,
    };
    page.iter().filter_map(begun).collect()
}

/// The rooms of the page's tickets that began before it.
async fn rooms_of_others(
    page: &[Arc<Recorded>],
    new: &HashMap<Uuid, Uuid>,
    tables: &mut PgConnection,
) -> Result<HashMap<Uuid, Uuid>, sqlx::Error> {
    let mut known: Vec<Uuid> = page
        .iter()
        .filter_map(|recorded| match evolve(&recorded.event) {
            Some(TimelineChange::OfTicket { ticket, .. }) => Some(ticket.as_uuid()),
            Some(TimelineChange::OfRoom { .. }) | None => None,
        })
        .filter(|ticket| !new.contains_key(ticket))
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(STORED_TICKETS).bind(known).fetch_all(tables).await?;
    Ok(rows.into_iter().collect())
}

async fn write(
    new: &HashMap<Uuid, Uuid>,
    entries: &BTreeMap<Uuid, Vec<i64>>,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    if !new.is_empty() {
        sqlx::query(KNOW_TICKETS)
            .bind(new.keys().copied().collect::<Vec<Uuid>>())
            .bind(new.values().copied().collect::<Vec<Uuid>>())
            .execute(&mut *tables)
            .await?;
    }
    let rows = Rows::of(entries);
    if !rows.rooms.is_empty() {
        sqlx::query(ENTER)
            .bind(rows.rooms)
            .bind(rows.lasts)
            .bind(rows.first_indexes)
            .bind(rows.last_indexes)
            .bind(rows.positions)
            .execute(tables)
            .await?;
    }
    Ok(())
}

/// The new rows, column by column. Indexes count from 1, as PostgreSQL does.
#[derive(Default)]
struct Rows {
    rooms: Vec<Uuid>,
    lasts: Vec<i64>,
    first_indexes: Vec<i32>,
    last_indexes: Vec<i32>,
    positions: Vec<i64>,
}

impl Rows {
    fn of(entries: &BTreeMap<Uuid, Vec<i64>>) -> Self {
        let mut rows = Self::default();
        for (room, positions) in entries {
            for row in positions.chunks(ROW_MAX) {
                let index = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
                rows.rooms.push(*room);
                rows.lasts.extend(row.last());
                rows.first_indexes.push(index(rows.positions.len() + 1));
                rows.positions.extend(row);
                rows.last_indexes.push(index(rows.positions.len()));
            }
        }
        rows
    }
}
