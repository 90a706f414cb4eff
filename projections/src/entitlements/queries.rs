//! What can be asked about who may be where.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::QueryError;
use crate::convert::RowOf;

/// More rooms than are ever live at once on the nodes that one shop runs.
const LIVE_ROOMS_MAX: i64 = 10_000;
/// The first entry of everybody, until it is taken over.
const FIRST_ENTRY: u32 = 1;
/// Who is further behind in line is told this place.
const LINE_MAX: i64 = 100_000;

/// A live room, or one whose lobby is open, and everybody who may be in it; who is not listed may not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveRoomRow {
    pub room_id: RoomId,
    pub session_id: SessionId,
    pub host: UserId,
    /// Who leads: the host, or a co-host while the host is away.
    pub lead: UserId,
    pub capacity: u32,
    /// Since its opening; nothing in the lobby, where the host's side alone may be.
    pub live_since: Option<Timestamp>,
    pub recording: RecordingRow,
    /// The host first, then co-hosts in the order of their appointment, then ticket holders.
    pub people: Vec<PersonRow>,
}

/// Whether a room may be recorded, and is to be now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordingRow {
    pub allowed: bool,
    pub runs: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct PersonRow {
    /// Absent for the host's side, who need none.
    pub ticket_id: Option<TicketId>,
    pub user: UserId,
    pub role: RoleRow,
    /// Silenced, until their own word.
    pub muted: bool,
    /// Asks to speak.
    pub asks: bool,
    /// The number of the entry that is good now.
    #[serde(default = "first_entry")]
    pub entry: u32,
    /// When it took over the one before.
    #[serde(default)]
    pub taken_over_at: Option<Timestamp>,
}

const fn first_entry() -> u32 {
    FIRST_ENTRY
}

impl PersonRow {
    pub const fn may_speak(&self) -> bool {
        self.role.is_on_stage() && !self.muted
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleRow {
    Host,
    CoHost,
    Speaker,
    Listener,
}

impl RoleRow {
    pub const fn is_on_stage(self) -> bool {
        !matches!(self, Self::Listener)
    }
}

/// Who is on the stage, and who would be: each list in the order they came there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StageRow {
    /// The opening, from then on.
    pub session_id: Option<SessionId>,
    pub live: bool,
    pub host: UserId,
    pub lead: UserId,
    pub recording: RecordingRow,
    pub co_hosts: Vec<UserId>,
    pub speakers: Vec<UserId>,
    pub requests: Vec<UserId>,
    pub invitations: Vec<UserId>,
    /// Co-hosts and speakers who are silenced.
    pub muted: Vec<UserId>,
}

#[derive(FromRow)]
struct LiveRoomRecord {
    room_id: Uuid,
    session_id: Option<Uuid>,
    host: Uuid,
    lead: Option<Uuid>,
    capacity: i32,
    live: bool,
    live_since: Option<Timestamp>,
    host_entry: Option<i32>,
    host_taken_over_at: Option<Timestamp>,
    may_be_recorded: bool,
    is_recorded: bool,
    people: Json<Vec<PersonRow>>,
}

/// One statement, so that rooms, tickets and the stage are of the same moment.
const LIVE_ROOMS: &str = "
    SELECT r.room_id, session_id, host, lead, capacity, live, live_since, may_be_recorded, is_recorded,
        h.entry AS host_entry, h.taken_over_at AS host_taken_over_at,
        (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'ticket_id', NULL, 'user', v.person, 'role', 'co_host', 'muted', v.muted, 'asks', false,
            'entry', coalesce(e.entry, 1), 'taken_over_at', e.taken_over_at
            ) ORDER BY v.position), '[]')
            FROM view_entitlements.voices v
            LEFT JOIN view_entitlements.entries e ON e.room_id = v.room_id AND e.entrant = v.person AND NOT e.is_ticket
            WHERE v.room_id = r.room_id AND v.stands = 'co_host')
        || (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'ticket_id', t.ticket_id, 'user', t.holder,
            'role', CASE v.stands WHEN 'co_host' THEN 'co_host' WHEN 'speaks' THEN 'speaker' ELSE 'listener' END,
            'muted', coalesce(v.muted, false), 'asks', coalesce(v.stands = 'asks', false),
            'entry', coalesce(e.entry, 1), 'taken_over_at', e.taken_over_at
            ) ORDER BY t.ticket_id), '[]')
            FROM view_entitlements.tickets t
            LEFT JOIN view_entitlements.voices v ON v.room_id = t.room_id AND v.person = t.holder
            LEFT JOIN view_entitlements.entries e ON e.room_id = t.room_id AND e.entrant = t.ticket_id AND e.is_ticket
            WHERE r.live AND t.room_id = r.room_id AND t.right_to = 'entry' AND NOT EXISTS (
                SELECT FROM view_entitlements.excluded x WHERE x.room_id = t.room_id AND x.person = t.holder
            )) AS people
    FROM view_entitlements.rooms r
    LEFT JOIN view_entitlements.entries h ON h.room_id = r.room_id AND h.entrant = r.host AND NOT h.is_ticket
    WHERE live OR lobby ORDER BY r.room_id LIMIT $1";

const TURN_OF: &str = "SELECT turn_at FROM view_entitlements.tickets WHERE ticket_id = $1";

const TURNS_AFTER: &str = "
    SELECT turn_at FROM view_entitlements.tickets WHERE turn_at > $1 ORDER BY turn_at LIMIT $2";

const STAGE: &str = "
    SELECT session_id, live, host, lead, may_be_recorded, is_recorded,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('person', v.person, 'stands', v.stands, 'muted', v.muted)
            ORDER BY v.position, v.person), '[]')
            FROM view_entitlements.voices v WHERE v.room_id = r.room_id) AS voices
    FROM view_entitlements.rooms r WHERE room_id = $1";

#[derive(FromRow)]
struct StageRecord {
    session_id: Option<Uuid>,
    live: bool,
    host: Uuid,
    lead: Option<Uuid>,
    may_be_recorded: bool,
    is_recorded: bool,
    voices: Json<Vec<Voice>>,
}

#[derive(Deserialize)]
struct Voice {
    person: UserId,
    stands: VoiceOf,
    muted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VoiceOf {
    Asks,
    Invited,
    Speaks,
    CoHost,
}

/// Every room that is live, or whose lobby is open.
pub async fn live_rooms(pool: &PgPool) -> Result<Vec<LiveRoomRow>, QueryError> {
    let records: Vec<LiveRoomRecord> = sqlx::query_as(LIVE_ROOMS).bind(LIVE_ROOMS_MAX).fetch_all(pool).await?;
    records.into_iter().map(LiveRoomRow::try_from).collect()
}

pub(super) fn number(entry: Option<i32>) -> u32 {
    entry.and_then(|entry| u32::try_from(entry).ok()).unwrap_or(FIRST_ENTRY)
}

/// When it is this ticket's turn at the doors, once it stood there.
pub async fn turn_of(pool: &PgPool, ticket: TicketId) -> Result<Option<Timestamp>, QueryError> {
    let turn: Option<Option<Timestamp>> = sqlx::query_scalar(TURN_OF)
        .bind(ticket.as_uuid())
        .fetch_optional(pool)
        .await?;
    Ok(turn.flatten())
}

/// The turns that are still to come, of all rooms: the first of them.
pub async fn turns_after(pool: &PgPool, now: Timestamp) -> Result<Vec<Timestamp>, QueryError> {
    let turns = sqlx::query_scalar(TURNS_AFTER).bind(now).bind(LINE_MAX);
    Ok(turns.fetch_all(pool).await?)
}

/// The stage of a room; `None` if there is no such room.
pub async fn stage(pool: &PgPool, room: RoomId) -> Result<Option<StageRow>, QueryError> {
    let record: Option<StageRecord> = sqlx::query_as(STAGE).bind(room.as_uuid()).fetch_optional(pool).await?;
    Ok(record.map(StageRow::from))
}

impl From<StageRecord> for StageRow {
    fn from(record: StageRecord) -> Self {
        let voices = record.voices.0;
        let of = |part: VoiceOf| voices.iter().filter(move |voice| voice.stands == part);
        let people = |part| of(part).map(|voice| voice.person).collect();
        Self {
            session_id: record.session_id.map(SessionId::from_uuid),
            live: record.live,
            host: UserId::from_uuid(record.host),
            lead: UserId::from_uuid(record.lead.unwrap_or(record.host)),
            recording: RecordingRow {
                allowed: record.may_be_recorded,
                runs: record.is_recorded,
            },
            co_hosts: people(VoiceOf::CoHost),
            speakers: people(VoiceOf::Speaks),
            requests: people(VoiceOf::Asks),
            invitations: people(VoiceOf::Invited),
            muted: voices
                .iter()
                .filter(|voice| voice.muted)
                .map(|voice| voice.person)
                .collect(),
        }
    }
}

impl TryFrom<LiveRoomRecord> for LiveRoomRow {
    type Error = QueryError;

    fn try_from(record: LiveRoomRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_entitlements.rooms", record.room_id);
        let host = UserId::from_uuid(record.host);
        let mut people = vec![PersonRow {
            ticket_id: None,
            user: host,
            role: RoleRow::Host,
            muted: false,
            asks: false,
            entry: number(record.host_entry),
            taken_over_at: record.host_taken_over_at,
        }];
        people.extend(record.people.0);
        Ok(Self {
            room_id: RoomId::from_uuid(record.room_id),
            session_id: SessionId::from_uuid(row.fit("session_id", record.session_id.ok_or(()))?),
            host,
            lead: record.lead.map_or(host, UserId::from_uuid),
            capacity: u32::try_from(record.capacity).unwrap_or(0),
            live_since: record.live_since.filter(|_| record.live),
            recording: RecordingRow {
                allowed: record.may_be_recorded,
                runs: record.is_recorded,
            },
            people,
        })
    }
}
