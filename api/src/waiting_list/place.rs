//! One person's place in line. It is read from the room itself, not from a view: a place that is late would be a wrong one.

use domain::room::WaitingPlace;
use domain::{Room, RoomId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Moment;
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingPlace)]
pub(crate) struct WaitingPlaceBody {
    room_id: Uuid,
    /// `waiting`, `offered`, or `left`
    state: &'static str,
    /// 1 is next. Null when not in line any more.
    place: Option<u32>,
    joined_at: Option<Moment>,
    offer: Option<OfferBody>,
}

/// A seat is held for the caller: pay for this ticket in time, or release it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Offer)]
struct OfferBody {
    ticket_id: Uuid,
    expires_at: Moment,
}

impl WaitingPlaceBody {
    pub(super) fn new(room: RoomId, place: Option<WaitingPlace>) -> Self {
        let (position, joined_at, offer) = place.map_or((None, None, None), |known| {
            (known.place, known.joined_at.map(Moment), known.offer)
        });
        let state = match (position, offer) {
            (_, Some(_)) => "offered",
            (Some(_), None) => "waiting",
            (None, None) => "left",
        };
        Self {
            room_id: room.as_uuid(),
            state,
            place: position,
            joined_at,
            offer: offer.map(|(ticket_id, expires_at)| OfferBody {
                ticket_id: ticket_id.as_uuid(),
                expires_at: expires_at.into(),
            }),
        }
    }
}

/// `None` for who neither waits nor has an offer.
pub(super) async fn place_of(state: &ApiState, room: RoomId, user: UserId) -> Result<Option<WaitingPlace>, ApiError> {
    let look = move |room: &Room| room.waiting_place(user);
    let (place, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    Ok(place)
}
