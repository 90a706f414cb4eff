//! `GET /v1/rooms/{room}/refusals/{position}`

use axum::extract::State;
use domain::room::{InLine, Taken, code_hash};
use domain::{AnyEvent, Room, RoomId};
use notary::receipt::{Quota, Receipt, Refusal, Subject, Waiting};
use utoipa::IntoParams;

use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, FromQuery, Ids, Query, QueryParams};
use crate::log::{ReceiptBody, entry, receipt};
use crate::past::{is_told, too_long};
use crate::{ApiError, ApiState};

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefusalQuery {
    /// The promo code that was used up, as the hold asked with it. It becomes part of the receipt; of others nothing is said.
    #[param(max_length = 64)]
    promo_code: Option<String>,
}

impl FromQuery for RefusalQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            promo_code: parameters.take("promo_code"),
        }
    }
}

/// The receipt of a refused hold, or of a refused place in line: what the room was when it was sold out, and the proof of its
/// last event by then, which is shown without its content. `position` is the `Log-Position` of the refusal
#[utoipa::path(get, path = "/v1/rooms/{room}/refusals/{position}", tag = "rooms",
    params(("room" = Uuid, Path), ("position" = u64, Path), RefusalQuery), security(("bearer" = [])), responses(
    (status = 200, body = ReceiptBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`: nothing of the room was sold out then, nor its waiting list full; or the promo code was not used up", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "`invalid_field`: more than 50,000 events of the room come before it: a longer history is not told", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`projection_behind`: the event is not notarised yet", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_refusal(
    State(state): State<ApiState>,
    _: Caller,
    Ids(room, position): Ids<RoomId, u64>,
    Query(RefusalQuery { promo_code }): Query<RefusalQuery>,
    known: IfNoneMatch,
) -> Result<One<Receipt>, ApiError> {
    let event = state.log.read_at(&[position]).await?.into_iter().next();
    let is_of_room = |aggregate_type: &str, id: &str| aggregate_type == "room" && id == room.to_string();
    let event = event.filter(|event| is_of_room(&event.aggregate_type, &event.aggregate_id));
    let entry = entry(event.ok_or(ApiError::NotFound)?).sealed();
    let place = (position, entry.sequence);
    let refusal = refusal(&state, room, place, promo_code.as_deref()).await?;
    let subject = Subject::Refusal {
        room_id: room.to_string(),
        statement: state.notary.sign_refusal(&refusal).to_string(),
        promo_code,
    };
    let receipt = receipt(&state, subject, entry).await?;
    // A node with another key than the one that leads can prove what the log is, and say nothing in its name.
    if let Err(error) = receipt.verify(&state.notary.verifier()) {
        return Err(ApiError::LogUnavailable(Box::new(error)));
    }
    Ok(One::new(receipt, known))
}

/// What the room was, out of its own events: as it was when it decided.
async fn refusal(
    state: &ApiState,
    id: RoomId,
    (position, sequence): (u64, u64),
    promo_code: Option<&str>,
) -> Result<Refusal, ApiError> {
    let mut room = Room::default();
    let is_told = is_told(state, "room", id.as_uuid(), position, |past| {
        if let AnyEvent::Room(_, event) = past.event {
            room.evolve(event);
        }
    });
    if !is_told.await? {
        return Err(too_long("/path/position"));
    }
    let code = match promo_code.map(|code| code_hash(id, code)) {
        Some(hash) => {
            let taken = room.code_taken(hash).ok_or(ApiError::NotFound)?;
            Some((hash.to_string(), quota(taken)))
        }
        None => None,
    };
    let tiers = room.tiers_taken().into_iter();
    let refusal = Refusal {
        origin: state.notary.verifier().name().to_owned(),
        room_id: id.to_string(),
        position,
        sequence,
        room: quota(room.seats_taken().ok_or(ApiError::NotFound)?),
        waiting: room.in_line().map(waiting),
        tiers: tiers.map(|(tier, taken)| (tier, quota(taken))).collect(),
        code,
    };
    refusal.exhausted().ok_or(ApiError::NotFound)?;
    Ok(refusal)
}

const fn quota(taken: Taken) -> Quota {
    Quota {
        seats: taken.quota,
        held: taken.held,
        sold: taken.sold,
    }
}

const fn waiting(in_line: InLine) -> Waiting {
    Waiting {
        line: in_line.waiting,
        limit: in_line.limit,
        paid: in_line.paid,
    }
}
