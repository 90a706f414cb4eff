//! A room as everybody may see it.

use domain::room::VoidReason;
use domain::{RoomCommand, RoomId, Timestamp, UserId};
use event_log::Metadata;
use projections::View;
use projections::catalogue::{RoomRow, RoomState, find_room};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::ReadBack;
use crate::extract::Moment;
use crate::shapes::{MoneyBody, RefundPolicyBody, TierBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room)]
pub(crate) struct RoomBody {
    id: Uuid,
    host_id: Uuid,
    /// In the order of their appointment.
    co_host_ids: Vec<Uuid>,
    title: String,
    description: String,
    language: String,
    /// `scheduled`, `live`, `ended`, `cancelled` or `voided`
    state: &'static str,
    /// Once it is voided: `no_show`, `crash` or `moderation`
    void_reason: Option<&'static str>,
    starts_at: Moment,
    planned_minutes: u32,
    /// Set by a reschedule: who held a ticket before it may decline the new time until then.
    decline_until: Option<Moment>,
    price: MoneyBody,
    /// What a buyer pays: all mandatory fees and tax are in.
    price_total: MoneyBody,
    /// Prices beside the room's own, in the host's order. Promo codes are nobody's to list.
    tiers: Vec<TierBody>,
    capacity: u32,
    seats: SeatsBody,
    sales: SalesBody,
    tickets_per_buyer: u32,
    hold_seconds: u32,
    refund_policy: RefundPolicyBody,
    no_show_minutes: u32,
    /// How long an offer to somebody on the waiting list stands.
    offer_seconds: u32,
    /// Whether tickets may change hands.
    transferable: bool,
    recording: RecordingOfRoomBody,
    opened_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// The log position of the last change.
    position: u64,
}

/// Adds up to the capacity.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
struct SeatsBody {
    free: u32,
    held: u32,
    sold: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sales)]
struct SalesBody {
    /// `not_yet`, `open`, `paused`, `sold_out` or `closed`
    status: &'static str,
    opens_at: Moment,
    closes_at: Moment,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordingOfRoom)]
struct RecordingOfRoomBody {
    /// Who comes to speak is asked for their consent first.
    allowed: bool,
    /// It is being recorded.
    running: bool,
    /// Whether ticket holders may have what was recorded.
    for_holders: bool,
    /// How long a recording is kept once it was stopped; null where there is none.
    retention_days: Option<u32>,
}

impl RecordingOfRoomBody {
    fn new(row: &RoomRow) -> Self {
        let terms = row.recording.filter(|terms| terms.allowed);
        Self {
            allowed: terms.is_some(),
            running: row.is_recorded,
            for_holders: terms.is_some_and(|terms| terms.for_holders),
            retention_days: terms.map(|terms| terms.retention_days),
        }
    }
}

impl RoomBody {
    pub(super) fn new(row: RoomRow, now: Timestamp) -> Self {
        let free = row.capacity.saturating_sub(row.held).saturating_sub(row.sold);
        let status = sales_status(&row, free, now);
        let recording = RecordingOfRoomBody::new(&row);
        Self {
            id: row.id.as_uuid(),
            host_id: row.host_id.as_uuid(),
            co_host_ids: row.co_hosts.iter().map(UserId::as_uuid).collect(),
            title: row.title,
            description: row.description,
            language: row.language,
            state: row.state.as_str(),
            void_reason: row.void_reason.map(VoidReason::name),
            starts_at: row.starts_at.into(),
            planned_minutes: row.planned_minutes,
            decline_until: row.decline_until.map(Moment),
            price: row.price.into(),
            price_total: row.price.into(),
            tiers: row.tiers.into_iter().map(|tier| TierBody::new(tier, free)).collect(),
            capacity: row.capacity,
            seats: SeatsBody {
                free,
                held: row.held,
                sold: row.sold,
            },
            sales: SalesBody {
                status,
                opens_at: row.sales_open_at.into(),
                closes_at: row.sales_close_at.into(),
            },
            tickets_per_buyer: row.tickets_per_buyer,
            hold_seconds: row.hold_seconds,
            refund_policy: row.refund_policy.into(),
            no_show_minutes: row.no_show_minutes,
            offer_seconds: row.offer_seconds,
            transferable: row.transferable,
            recording,
            opened_at: row.opened_at.map(Moment),
            ended_at: row.ended_at.map(Moment),
            position: row.position,
        }
    }
}

fn sales_status(row: &RoomRow, free: u32, now: Timestamp) -> &'static str {
    let is_over = matches!(row.state, RoomState::Ended | RoomState::Cancelled | RoomState::Voided);
    if is_over || row.sales_close_at <= now {
        "closed"
    } else if now < row.sales_open_at {
        "not_yet"
    } else if row.sales_paused {
        "paused"
    } else if free == 0 {
        "sold_out"
    } else {
        "open"
    }
}

/// Executes a command of a room: where it is recorded, and the room after it.
pub(super) async fn change(
    state: &ApiState,
    room: RoomId,
    command: RoomCommand,
    metadata: Metadata,
) -> Result<(u64, ReadBack<RoomBody>), ApiError> {
    let executed = state
        .aggregates
        .rooms
        .execute(room.as_uuid(), command, metadata)
        .await?;
    let body = read_back(state, room, executed.position).await;
    Ok((executed.position, body))
}

/// The room after a write at `position`.
pub(super) async fn read_back(state: &ApiState, room: RoomId, position: u64) -> ReadBack<RoomBody> {
    let read = async {
        let row = find_room(&state.pool, room).await?;
        Ok::<_, ApiError>(row.map(|row| RoomBody::new(row, state.now())))
    };
    ReadBack::wait(state, View::Catalogue, position, room.as_uuid(), read).await
}
