//! `GET /v1/rooms/{room}/promo_codes`: the codes of a room and what is taken of each, for its host.

use axum::Json;
use axum::extract::State;
use domain::room::Prices;
use domain::{Room, RoomError, RoomId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::shapes::PromoCodeBody;
use crate::{ApiError, ApiState};

/// All of them: a room has 200 at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromoCodes)]
pub(crate) struct PromoCodesBody {
    data: Vec<PromoCodeBody>,
}

/// The promo codes of a room: host or admin. Read from the room itself, so that no count is behind
#[utoipa::path(get, path = "/v1/rooms/{room}/promo_codes", tag = "rooms", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = PromoCodesBody),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_promo_codes(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
) -> Result<Json<PromoCodesBody>, ApiError> {
    let look = |room: &Room| {
        let codes = room.prices().into_iter().flat_map(Prices::promo_codes);
        let data: Vec<PromoCodeBody> = codes.map(|(code, taken)| PromoCodeBody::new(code, taken)).collect();
        (room.facts().map(|facts| facts.host), data)
    };
    let ((host, data), _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    let host = host.ok_or(RoomError::NotScheduled)?;
    if host != caller.user_id && !caller.is_admin() {
        return Err(RoomError::NotHost.into());
    }
    Ok(Json(PromoCodesBody { data }))
}
