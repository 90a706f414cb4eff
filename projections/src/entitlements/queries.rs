//! What can be asked about who may be where.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{RoomId, SessionId, TicketId, UserId};
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::QueryError;
use crate::convert::RowOf;

/// More rooms than are ever live at once on the nodes that one shop runs.
const LIVE_ROOMS_MAX: i64 = 10_000;

/// A live room and everybody who may be in it; who is not listed may not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveRoomRow {
    pub room_id: RoomId,
    pub session_id: SessionId,
    pub host: UserId,
    /// The host first, then ticket holders.
    pub people: Vec<PersonRow>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct PersonRow {
    /// Absent for the host, who needs none.
    pub ticket_id: Option<TicketId>,
    pub user: UserId,
    pub may_speak: bool,
}

/// Who knocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Ticket(TicketId),
    Host(UserId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdmissionRow {
    Admitted {
        may_speak: bool,
    },
    Refused(RefusalReason),
    /// No such opening, or it is over.
    NoSuchRoom,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalReason {
    NotIssued,
    Refunded,
    Removed,
}

/// Who speaks and who asked to, each in the order of approval or request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StageRow {
    pub host: UserId,
    pub speakers: Vec<UserId>,
    pub requests: Vec<UserId>,
}

#[derive(FromRow)]
struct LiveRoomRecord {
    room_id: Uuid,
    session_id: Option<Uuid>,
    host: Uuid,
    people: Json<Vec<PersonRow>>,
}

/// One statement, so that rooms, tickets and the stage are of the same moment.
const LIVE_ROOMS: &str = "
    SELECT room_id, session_id, host,
        (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'ticket_id', t.ticket_id, 'user', t.holder, 'may_speak', coalesce(v.speaks, false)
            ) ORDER BY t.ticket_id), '[]')
            FROM view_entitlements.tickets t
            LEFT JOIN view_entitlements.voices v ON v.room_id = t.room_id AND v.person = t.holder
            WHERE t.room_id = r.room_id AND t.right_to = 'entry' AND NOT EXISTS (
                SELECT FROM view_entitlements.removed x WHERE x.room_id = t.room_id AND x.person = t.holder
            )) AS people
    FROM view_entitlements.rooms r WHERE live ORDER BY room_id LIMIT $1";

const ADMISSION_OF_TICKET: &str = "
    SELECT t.right_to,
        EXISTS (SELECT FROM view_entitlements.removed x WHERE x.room_id = r.room_id AND x.person = t.holder) AS removed,
        EXISTS (SELECT FROM view_entitlements.voices v
            WHERE v.room_id = r.room_id AND v.person = t.holder AND v.speaks) AS may_speak
    FROM view_entitlements.rooms r
    LEFT JOIN view_entitlements.tickets t ON t.room_id = r.room_id AND t.ticket_id = $2
    WHERE r.session_id = $1 AND r.live";

const STAGE: &str = "
    SELECT host,
        ARRAY(SELECT person FROM view_entitlements.voices v
            WHERE v.room_id = r.room_id AND v.speaks ORDER BY v.position, v.person) AS speakers,
        ARRAY(SELECT person FROM view_entitlements.voices v
            WHERE v.room_id = r.room_id AND NOT v.speaks ORDER BY v.position, v.person) AS requests
    FROM view_entitlements.rooms r WHERE room_id = $1";

/// Every room that is live.
pub async fn live_rooms(pool: &PgPool) -> Result<Vec<LiveRoomRow>, QueryError> {
    let records: Vec<LiveRoomRecord> = sqlx::query_as(LIVE_ROOMS).bind(LIVE_ROOMS_MAX).fetch_all(pool).await?;
    records.into_iter().map(LiveRoomRow::try_from).collect()
}

/// Whether somebody may be in this opening now.
pub async fn admission(pool: &PgPool, session: SessionId, who: Who) -> Result<AdmissionRow, QueryError> {
    match who {
        Who::Ticket(ticket) => admission_of_ticket(pool, session, ticket).await,
        Who::Host(user) => admission_of_host(pool, session, user).await,
    }
}

async fn admission_of_ticket(pool: &PgPool, session: SessionId, ticket: TicketId) -> Result<AdmissionRow, QueryError> {
    let row: Option<(Option<String>, bool, bool)> = sqlx::query_as(ADMISSION_OF_TICKET)
        .bind(session.as_uuid())
        .bind(ticket.as_uuid())
        .fetch_optional(pool)
        .await?;
    let Some((right_to, removed, may_speak)) = row else {
        return Ok(AdmissionRow::NoSuchRoom);
    };
    Ok(match right_to.as_deref() {
        Some("refunded") => AdmissionRow::Refused(RefusalReason::Refunded),
        Some("entry") if removed => AdmissionRow::Refused(RefusalReason::Removed),
        Some("entry") => AdmissionRow::Admitted { may_speak },
        _ => AdmissionRow::Refused(RefusalReason::NotIssued),
    })
}

async fn admission_of_host(pool: &PgPool, session: SessionId, user: UserId) -> Result<AdmissionRow, QueryError> {
    let host: Option<Uuid> =
        sqlx::query_scalar("SELECT host FROM view_entitlements.rooms WHERE session_id = $1 AND live")
            .bind(session.as_uuid())
            .fetch_optional(pool)
            .await?;
    Ok(match host {
        None => AdmissionRow::NoSuchRoom,
        Some(host) if host == user.as_uuid() => AdmissionRow::Admitted { may_speak: true },
        Some(_) => AdmissionRow::Refused(RefusalReason::NotIssued),
    })
}

/// The stage of a room; `None` if there is no such room.
pub async fn stage(pool: &PgPool, room: RoomId) -> Result<Option<StageRow>, QueryError> {
    let row: Option<(Uuid, Vec<Uuid>, Vec<Uuid>)> =
        sqlx::query_as(STAGE).bind(room.as_uuid()).fetch_optional(pool).await?;
    let users = |ids: Vec<Uuid>| ids.into_iter().map(UserId::from_uuid).collect();
    Ok(row.map(|(host, speakers, requests)| StageRow {
        host: UserId::from_uuid(host),
        speakers: users(speakers),
        requests: users(requests),
    }))
}

impl TryFrom<LiveRoomRecord> for LiveRoomRow {
    type Error = QueryError;

    fn try_from(record: LiveRoomRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_entitlements.rooms", record.room_id);
        let host = UserId::from_uuid(record.host);
        let mut people = vec![PersonRow {
            ticket_id: None,
            user: host,
            may_speak: true,
        }];
        people.extend(record.people.0);
        Ok(Self {
            room_id: RoomId::from_uuid(record.room_id),
            session_id: SessionId::from_uuid(row.fit("session_id", record.session_id.ok_or(()))?),
            host,
            people,
        })
    }
}
