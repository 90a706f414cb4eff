//! Writes the catalogue.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::room::{PriceTier, Revision, RoomRescheduled, RoomScheduled, VoidReason};
use domain::{Money, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::RoomState;
use super::evolve::evolve;
use super::fold::{Edit, Fold, seat_before};
use crate::ApplyError;
use crate::convert::{bigint, int, text};

const LIST: &str = "
    INSERT INTO rooms (room_id, host_id, title, description, language, state, starts_at, planned_minutes, price_minor,
        currency, capacity, sales_open_at, sales_close_at, tickets_per_buyer, hold_seconds, refund_policy,
        no_show_minutes, offer_seconds, transferable, created_position, position, search,
        recording)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20, $21, $22)";

const STORED_SEATS: &str = "SELECT ticket_id, tier FROM seats WHERE ticket_id = ANY($1)";

const TAKE_SEATS: &str = "INSERT INTO seats (ticket_id, tier) SELECT * FROM unnest($1::uuid[], $2::text[])";

const FREE_SEATS: &str = "DELETE FROM seats WHERE ticket_id = ANY($1)";

const CHANGE_ROOMS: &str = "
    UPDATE rooms SET
        held = rooms.held + change.held,
        sold = rooms.sold + change.sold,
        state = coalesce(change.state, rooms.state),
        opened_at = coalesce(change.opened_at, rooms.opened_at),
        ended_at = coalesce(change.ended_at, rooms.ended_at),
        sales_paused = coalesce(change.sales_paused, rooms.sales_paused),
        sales_suspended = coalesce(change.sales_suspended, rooms.sales_suspended),
        delivered = coalesce(change.delivered, rooms.delivered),
        is_recorded = coalesce(change.is_recorded, rooms.is_recorded),
        void_reason = coalesce(change.void_reason, rooms.void_reason),
        position = change.position
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bool[],
        $8::bool[], $9::bool[], $10::bool[], $11::text[], $12::bigint[])
        AS change (room_id, held, sold, state, opened_at, ended_at, sales_paused, sales_suspended, delivered,
            is_recorded, void_reason, position)
    WHERE rooms.room_id = change.room_id";

const REVISE: &str = "
    UPDATE rooms SET
        title = coalesce($2, title),
        description = coalesce($3, description),
        language = coalesce($4, language),
        price_minor = coalesce($5, price_minor),
        currency = coalesce($6, currency),
        capacity = coalesce($7, capacity),
        sales_open_at = coalesce($8, sales_open_at),
        sales_close_at = coalesce($9, sales_close_at),
        tickets_per_buyer = coalesce($10, tickets_per_buyer),
        hold_seconds = coalesce($11, hold_seconds),
        refund_policy = coalesce($12::json, refund_policy),
        no_show_minutes = coalesce($13, no_show_minutes),
        offer_seconds = coalesce($14, offer_seconds),
        transferable = coalesce($15, transferable),
        recording = coalesce($16::json, recording)
    WHERE room_id = $1
    RETURNING title, description";

const RESCHEDULE: &str = "
    UPDATE rooms SET starts_at = $2, planned_minutes = $3, sales_close_at = $4, decline_until = $5 WHERE room_id = $1";

/// A tier that is there keeps its place.
const SET_TIER: &str = "
    INSERT INTO tiers (room_id, tier, name, price_minor, quota, opens_at, closes_at, ordinal)
    SELECT $1, $2, $3, $4, $5, $6, $7, count(*) FROM tiers WHERE room_id = $1
    ON CONFLICT (room_id, tier) DO UPDATE SET
        name = excluded.name,
        price_minor = excluded.price_minor,
        quota = excluded.quota,
        opens_at = excluded.opens_at,
        closes_at = excluded.closes_at";

const CHANGE_TIERS: &str = "
    UPDATE tiers SET held = tiers.held + change.held, sold = tiers.sold + change.sold
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[]) AS change (room_id, tier, held, sold)
    WHERE tiers.room_id = change.room_id AND tiers.tier = change.tier";

const ASK_ANEW: &str = "DELETE FROM sharing WHERE room_id = $1";

const AGREE: &str = "INSERT INTO sharing (room_id, user_id) VALUES ($1, $2)";

const APPOINT: &str = "UPDATE rooms SET co_host_ids = array_append(co_host_ids, $2) WHERE room_id = $1";

const DISMISS: &str = "UPDATE rooms SET co_host_ids = array_remove(co_host_ids, $2) WHERE room_id = $1";

const SEARCH: &str = "UPDATE rooms SET search = $2 WHERE room_id = $1";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let taken_before: Vec<Uuid> = page
        .iter()
        .filter_map(|recorded| seat_before(&recorded.event))
        .collect();
    let mut fold = Fold::new(stored_seats(taken_before, tables).await?);
    for recorded in page {
        if let Some(change) = evolve(&recorded.event) {
            fold.take_in(change, bigint(recorded.position));
        }
    }
    for (room, position) in &fold.listed {
        list(room, *position, tables).await?;
        set_tiers(room.room_id.as_uuid(), &room.sale.tiers, tables).await?;
    }
    for (room, edit) in &fold.edits {
        write_edit(*room, *edit, tables).await?;
    }
    write_seats(&fold, tables).await?;
    write_tiers(&fold, tables).await?;
    write_rooms(&fold, tables).await?;
    Ok(())
}

async fn write_edit(room: Uuid, edit: Edit<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (statement, user) = match edit {
        Edit::Revise(revision) => return revise(room, revision, tables).await,
        Edit::Reschedule(new) => return reschedule(room, new, tables).await,
        Edit::ProposeShares => {
            sqlx::query(ASK_ANEW).bind(room).execute(tables).await?;
            return Ok(());
        }
        Edit::AgreeToShare(user) => (AGREE, user),
        Edit::AppointCoHost(user) => (APPOINT, user),
        Edit::DismissCoHost(user) => (DISMISS, user),
    };
    sqlx::query(statement).bind(room).bind(user).execute(tables).await?;
    Ok(())
}

async fn stored_seats(tickets: Vec<Uuid>, tables: &mut PgConnection) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    if tickets.is_empty() {
        return Ok(vec![]);
    }
    sqlx::query_as(STORED_SEATS).bind(tickets).fetch_all(tables).await
}

async fn write_seats(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (mut taken, mut tiers, mut freed) = (vec![], vec![], vec![]);
    for (ticket, tier) in fold.changed_seats() {
        match tier {
            Some(tier) => {
                taken.push(ticket);
                tiers.push(text(tier).into_owned());
            }
            None => freed.push(ticket),
        }
    }
    if !taken.is_empty() {
        sqlx::query(TAKE_SEATS)
            .bind(taken)
            .bind(tiers)
            .execute(&mut *tables)
            .await?;
    }
    if !freed.is_empty() {
        sqlx::query(FREE_SEATS).bind(freed).execute(tables).await?;
    }
    Ok(())
}

async fn set_tiers(room: Uuid, tiers: &[PriceTier], tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    for tier in tiers {
        sqlx::query(SET_TIER)
            .bind(room)
            .bind(text(&tier.tier))
            .bind(text(&tier.name))
            .bind(tier.price.amount_minor())
            .bind(int(tier.quota))
            .bind(tier.opens_at)
            .bind(tier.closes_at)
            .execute(&mut *tables)
            .await?;
    }
    Ok(())
}

async fn write_tiers(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    if fold.tiers.is_empty() {
        return Ok(());
    }
    let (rooms, tiers): (Vec<Uuid>, Vec<String>) = fold.tiers.keys().cloned().unzip();
    sqlx::query(CHANGE_TIERS)
        .bind(rooms)
        .bind(tiers)
        .bind(fold.tiers.values().map(|tier| tier.held).collect::<Vec<i32>>())
        .bind(fold.tiers.values().map(|tier| tier.sold).collect::<Vec<i32>>())
        .execute(tables)
        .await?;
    Ok(())
}

async fn write_rooms(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    if fold.rooms.is_empty() {
        return Ok(());
    }
    let column = fold.rooms.values();
    sqlx::query(CHANGE_ROOMS)
        .bind(fold.rooms.keys().copied().collect::<Vec<Uuid>>())
        .bind(column.clone().map(|room| room.held).collect::<Vec<i32>>())
        .bind(column.clone().map(|room| room.sold).collect::<Vec<i32>>())
        .bind(
            column
                .clone()
                .map(|room| room.state.map(RoomState::as_str))
                .collect::<Vec<Option<&str>>>(),
        )
        .bind(
            column
                .clone()
                .map(|room| room.opened_at)
                .collect::<Vec<Option<Timestamp>>>(),
        )
        .bind(
            column
                .clone()
                .map(|room| room.ended_at)
                .collect::<Vec<Option<Timestamp>>>(),
        )
        .bind(
            column
                .clone()
                .map(|room| room.sales_paused)
                .collect::<Vec<Option<bool>>>(),
        )
        .bind(
            column
                .clone()
                .map(|room| room.sales_suspended)
                .collect::<Vec<Option<bool>>>(),
        )
        .bind(column.clone().map(|room| room.delivered).collect::<Vec<Option<bool>>>())
        .bind(
            column
                .clone()
                .map(|room| room.is_recorded)
                .collect::<Vec<Option<bool>>>(),
        )
        .bind(
            column
                .clone()
                .map(|room| room.void_reason.map(VoidReason::name))
                .collect::<Vec<Option<&str>>>(),
        )
        .bind(column.map(|room| room.position).collect::<Vec<i64>>())
        .execute(tables)
        .await?;
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
        .bind(int(room.sale.offer_seconds()))
        .bind(room.sale.transferable)
        .bind(position)
        .bind(searchable(&room.title, &room.description))
        .bind(room.sale.recording.map(Json))
        .execute(tables)
        .await?;
    Ok(())
}

async fn revise(room: Uuid, revision: &Revision, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let words: Option<(String, String)> = sqlx::query_as(REVISE)
        .bind(room)
        .bind(revision.title.as_deref().map(text))
        .bind(revision.description.as_deref().map(text))
        .bind(revision.language.as_deref().map(text))
        .bind(revision.price.map(Money::amount_minor))
        .bind(revision.price.map(|price| price.currency().code()))
        .bind(revision.capacity.map(int))
        .bind(revision.sales_open_at)
        .bind(revision.sales_close_at)
        .bind(revision.tickets_per_buyer.map(int))
        .bind(revision.hold_seconds.map(int))
        .bind(revision.refund_policy.map(Json))
        .bind(revision.no_show_minutes.map(int))
        .bind(revision.offer_seconds.map(int))
        .bind(revision.transferable)
        .bind(revision.recording.map(Json))
        .fetch_optional(&mut *tables)
        .await?;
    if let Some((title, description)) = words {
        sqlx::query(SEARCH)
            .bind(room)
            .bind(searchable(&title, &description))
            .execute(&mut *tables)
            .await?;
    }
    set_tiers(room, &revision.tiers, tables).await
}

async fn reschedule(room: Uuid, new: &RoomRescheduled, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(RESCHEDULE)
        .bind(room)
        .bind(new.starts_at)
        .bind(int(new.planned_minutes))
        .bind(new.sales_close_at)
        .bind(new.decline_until)
        .execute(tables)
        .await?;
    Ok(())
}

/// What a search looks at; [`super::queries`] lower-cases what it looks for in the same way.
fn searchable(title: &str, description: &str) -> String {
    text(&format!("{title}\n{description}")).to_lowercase()
}
