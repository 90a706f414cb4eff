//! What can be asked of the catalogue.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::room::{RecordingTerms, VoidReason};
use domain::{Currency, Money, RefundPolicy, RoomId, Timestamp, UserId};
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::convert::{RowOf, before, text, words};
use crate::{QueryError, UnknownWord};

words! {
    pub enum RoomState {
        Scheduled = "scheduled",
        Live = "live",
        Ended = "ended",
        Cancelled = "cancelled",
        Voided = "voided",
    }
}

/// A room as everybody may see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomRow {
    pub id: RoomId,
    pub host_id: UserId,
    /// In the order of their appointment.
    pub co_hosts: Vec<UserId>,
    pub title: String,
    pub description: String,
    pub language: String,
    pub state: RoomState,
    /// Once it is voided.
    pub void_reason: Option<VoidReason>,
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub price: Money,
    pub capacity: u32,
    pub held: u32,
    pub sold: u32,
    pub sales_open_at: Timestamp,
    pub sales_close_at: Timestamp,
    pub tickets_per_buyer: u32,
    pub hold_seconds: u32,
    pub refund_policy: RefundPolicy,
    pub no_show_minutes: u32,
    pub offer_seconds: u32,
    pub transferable: bool,
    /// None: not at all.
    pub recording: Option<RecordingTerms>,
    /// It is being recorded.
    pub is_recorded: bool,
    /// Until then holders may decline the last reschedule.
    pub decline_until: Option<Timestamp>,
    /// By the host, or because the host is suspended.
    pub sales_paused: bool,
    pub opened_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Where the room was scheduled: the list's cursor.
    pub created_position: u64,
    /// The last event that changed this row.
    pub position: u64,
    /// In the host's order.
    pub tiers: Vec<TierRow>,
}

/// A price tier with what is taken of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TierRow {
    pub tier: String,
    pub name: String,
    pub price: Money,
    pub quota: u32,
    pub held: u32,
    pub sold: u32,
    pub opens_at: Option<Timestamp>,
    pub closes_at: Option<Timestamp>,
}

/// Which rooms to list. What is absent does not restrict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoomFilter {
    pub state: Option<RoomState>,
    pub host: Option<UserId>,
    /// Hosted by this person, or shared with their word.
    pub of: Option<UserId>,
    /// A part of the title or the description, in any case.
    pub q: Option<String>,
    pub language: Option<String>,
    /// At or after.
    pub starts_after: Option<Timestamp>,
    /// Before.
    pub starts_before: Option<Timestamp>,
    /// In the currency's minor unit; says something together with `currency`.
    pub price_max_minor: Option<i64>,
    pub currency: Option<Currency>,
}

#[derive(FromRow)]
struct RoomRecord {
    room_id: Uuid,
    host_id: Uuid,
    co_host_ids: Vec<Uuid>,
    title: String,
    description: String,
    language: String,
    state: String,
    void_reason: Option<String>,
    starts_at: Timestamp,
    planned_minutes: i32,
    price_minor: i64,
    currency: String,
    capacity: i32,
    held: i32,
    sold: i32,
    sales_open_at: Timestamp,
    sales_close_at: Timestamp,
    tickets_per_buyer: i32,
    hold_seconds: i32,
    refund_policy: Json<RefundPolicy>,
    no_show_minutes: i32,
    offer_seconds: i32,
    transferable: bool,
    recording: Option<Json<RecordingTerms>>,
    is_recorded: bool,
    decline_until: Option<Timestamp>,
    sales_paused: bool,
    opened_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    created_position: i64,
    position: i64,
    tiers: Option<Json<Vec<TierRecord>>>,
}

#[derive(Deserialize)]
struct TierRecord {
    tier: String,
    name: String,
    price_minor: i64,
    quota: i32,
    held: i32,
    sold: i32,
    opens_at: Option<Timestamp>,
    closes_at: Option<Timestamp>,
}

const SELECT: &str = "
    SELECT room_id, host_id, co_host_ids, title, description, language, state, void_reason, starts_at, planned_minutes, price_minor,
        currency, capacity, held, sold, sales_open_at, sales_close_at, tickets_per_buyer, hold_seconds, refund_policy,
        no_show_minutes, offer_seconds, transferable, recording, is_recorded, decline_until,
        (sales_paused OR sales_suspended) AS sales_paused, opened_at, ended_at, created_position, position,
        (SELECT json_agg(tiers ORDER BY ordinal) FROM view_catalogue.tiers WHERE tiers.room_id = rooms.room_id) AS tiers
    FROM view_catalogue.rooms ";

pub async fn find_room(pool: &PgPool, room: RoomId) -> Result<Option<RoomRow>, QueryError> {
    let record: Option<RoomRecord> = sqlx::query_as(&format!("{SELECT} WHERE room_id = $1"))
        .bind(room.as_uuid())
        .fetch_optional(pool)
        .await?;
    record.map(RoomRow::try_from).transpose()
}

/// Rooms that pass the filter, the latest scheduled first; `after` is the `created_position` of the last one seen.
pub async fn list_rooms(
    pool: &PgPool,
    filter: &RoomFilter,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<RoomRow>, QueryError> {
    let mut query = QueryBuilder::<Postgres>::new(SELECT);
    query.push("WHERE created_position < ").push_bind(before(after));
    restrict(&mut query, filter);
    query
        .push(" ORDER BY created_position DESC LIMIT ")
        .push_bind(i64::from(limit));
    let records: Vec<RoomRecord> = query.build_query_as().fetch_all(pool).await?;
    records.into_iter().map(RoomRow::try_from).collect()
}

/// How many rooms of a host that ended at or after a moment were delivered.
pub async fn count_rooms_hosted(pool: &PgPool, host: UserId, since: Timestamp) -> Result<u32, QueryError> {
    let count = "SELECT count(*) FROM view_catalogue.rooms WHERE host_id = $1 AND delivered AND ended_at >= $2";
    let count: i64 = sqlx::query_scalar(count)
        .bind(host.as_uuid())
        .bind(since)
        .fetch_one(pool)
        .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn restrict(query: &mut QueryBuilder<'_, Postgres>, filter: &RoomFilter) {
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    if let Some(host) = filter.host {
        query.push(" AND host_id = ").push_bind(host.as_uuid());
    }
    if let Some(person) = filter.of {
        query
            .push(" AND (host_id = ")
            .push_bind(person.as_uuid())
            .push(" OR room_id IN (SELECT room_id FROM view_catalogue.sharing WHERE user_id = ")
            .push_bind(person.as_uuid())
            .push("))");
    }
    if let Some(wanted) = &filter.q {
        query.push(" AND search LIKE ").push_bind(containing(wanted));
    }
    if let Some(language) = filter.language.clone() {
        query.push(" AND language = ").push_bind(language);
    }
    if let Some(at) = filter.starts_after {
        query.push(" AND starts_at >= ").push_bind(at);
    }
    if let Some(at) = filter.starts_before {
        query.push(" AND starts_at < ").push_bind(at);
    }
    if let Some(price) = filter.price_max_minor {
        query.push(" AND price_minor <= ").push_bind(price);
    }
    if let Some(currency) = filter.currency {
        query.push(" AND currency = ").push_bind(currency.code());
    }
}

/// A LIKE pattern for texts that contain `wanted`; nothing in it is a wildcard.
fn containing(wanted: &str) -> String {
    let mut pattern = String::with_capacity(wanted.len() + 2);
    pattern.push('%');
    for character in text(wanted).to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

impl TryFrom<RoomRecord> for RoomRow {
    type Error = QueryError;

    fn try_from(record: RoomRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_catalogue.rooms", record.room_id);
        Ok(Self {
            id: RoomId::from_uuid(record.room_id),
            host_id: UserId::from_uuid(record.host_id),
            co_hosts: record.co_host_ids.into_iter().map(UserId::from_uuid).collect(),
            state: row.fit("state", record.state.parse())?,
            void_reason: row.fit("void_reason", void_reason(record.void_reason.as_deref()))?,
            starts_at: record.starts_at,
            planned_minutes: row.count("planned_minutes", record.planned_minutes)?,
            price: row.money(record.price_minor, &record.currency)?,
            capacity: row.count("capacity", record.capacity)?,
            held: row.count("held", record.held)?,
            sold: row.count("sold", record.sold)?,
            sales_open_at: record.sales_open_at,
            sales_close_at: record.sales_close_at,
            tickets_per_buyer: row.count("tickets_per_buyer", record.tickets_per_buyer)?,
            hold_seconds: row.count("hold_seconds", record.hold_seconds)?,
            refund_policy: record.refund_policy.0,
            no_show_minutes: row.count("no_show_minutes", record.no_show_minutes)?,
            offer_seconds: row.count("offer_seconds", record.offer_seconds)?,
            transferable: record.transferable,
            recording: record.recording.map(|terms| terms.0),
            is_recorded: record.is_recorded,
            decline_until: record.decline_until,
            sales_paused: record.sales_paused,
            opened_at: record.opened_at,
            ended_at: record.ended_at,
            created_position: row.position("created_position", record.created_position)?,
            position: row.position("position", record.position)?,
            tiers: tiers(&row, record.tiers, &record.currency)?,
            title: record.title,
            description: record.description,
            language: record.language,
        })
    }
}

fn void_reason(word: Option<&str>) -> Result<Option<VoidReason>, UnknownWord> {
    let Some(word) = word else {
        return Ok(None);
    };
    let known = [VoidReason::NoShow, VoidReason::Crash, VoidReason::Moderation];
    let found = known.into_iter().find(|reason| reason.name() == word);
    found.map(Some).ok_or_else(|| UnknownWord(word.to_owned()))
}

fn tiers(
    row: &RowOf<Uuid>,
    records: Option<Json<Vec<TierRecord>>>,
    currency: &str,
) -> Result<Vec<TierRow>, QueryError> {
    let tier = |record: TierRecord| {
        Ok(TierRow {
            price: row.money(record.price_minor, currency)?,
            quota: row.count("tiers.quota", record.quota)?,
            held: row.count("tiers.held", record.held)?,
            sold: row.count("tiers.sold", record.sold)?,
            tier: record.tier,
            name: record.name,
            opens_at: record.opens_at,
            closes_at: record.closes_at,
        })
    };
    let records = records.map(|records| records.0).unwrap_or_default();
    records.into_iter().map(tier).collect()
}
