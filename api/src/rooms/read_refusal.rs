//! `GET /v1/rooms/{room}/refusals/{position}`

use axum::extract::State;
use domain::RoomId;
use notary::receipt::{Quota, Receipt, Refusal, Subject};
use projections::catalogue::{PastRoom, RoomRow};

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Ids, Query};
use crate::log::{ReceiptBody, entry, receipt};
use crate::past::each_event;
use crate::{ApiError, ApiState};

/// The receipt of a refused hold: what the room was when it was sold out, and the proof of its last event by then, which is
/// shown without its content. `position` is the `Log-Position` of the refusal
#[utoipa::path(get, path = "/v1/rooms/{room}/refusals/{position}", tag = "rooms",
    params(("room" = Uuid, Path), ("position" = u64, Path)), security(("bearer" = [])), responses(
    (status = 200, body = ReceiptBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: nothing of the room was sold out then", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`: the event is not notarised yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_refusal(
    State(state): State<ApiState>,
    _: Caller,
    Ids(room, position): Ids<RoomId, u64>,
    Query(()): Query<()>,
    known: IfNoneMatch,
) -> Result<One<Receipt>, ApiError> {
    let event = state.log.read_at(&[position]).await?.into_iter().next();
    let is_of_room = |aggregate_type: &str, id: &str| aggregate_type == "room" && id == room.to_string();
    let event = event.filter(|event| is_of_room(&event.aggregate_type, &event.aggregate_id));
    let entry = entry(event.ok_or(ApiError::NotFound)?).sealed();
    let refusal = refusal(&state, room, position, entry.sequence).await?;
    let subject = Subject::Refusal {
        room_id: room.to_string(),
        statement: state.notary.sign_refusal(&refusal).to_string(),
    };
    let receipt = receipt(&state, subject, entry).await?;
    // A node with another key than the one that leads can prove what the log is, and say nothing in its name.
    if let Err(error) = receipt.verify(&state.notary.verifier()) {
        return Err(ApiError::LogUnavailable(Box::new(error)));
    }
    Ok(One::new(receipt, known))
}

/// What the room was, out of its own events.
async fn refusal(state: &ApiState, room: RoomId, position: u64, sequence: u64) -> Result<Refusal, ApiError> {
    let mut past = PastRoom::default();
    each_event(state, "room", room.as_uuid(), position, |event| {
        past.take_in(&event.event, event.position);
    })
    .await?;
    let row = past.into_row().ok_or(ApiError::NotFound)?;
    let refusal = Refusal {
        origin: state.notary.verifier().name().to_owned(),
        room_id: room.to_string(),
        position,
        sequence,
        room: Quota {
            seats: row.capacity,
            held: row.held,
            sold: row.sold,
        },
        tiers: tiers(&row),
    };
    if refusal.is_justified() {
        Ok(refusal)
    } else {
        Err(ApiError::NotFound)
    }
}

fn tiers(row: &RoomRow) -> Vec<(String, Quota)> {
    let quota = |tier: &projections::catalogue::TierRow| Quota {
        seats: tier.quota,
        held: tier.held,
        sold: tier.sold,
    };
    row.tiers.iter().map(|tier| (tier.tier.clone(), quota(tier))).collect()
}
