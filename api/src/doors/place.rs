//! Where a ticket stands at the doors.

use domain::room::{Entrant, RoomPhase};
use domain::{Room, RoomId, TicketId, UserId};
use projections::entitlements::turn_of;
use serde::Serialize;
use utoipa::ToSchema;

use super::turn::{seconds, wait_until};
use crate::{ApiError, ApiState};

/// Where a ticket stands at the doors of its room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DoorState)]
pub(crate) enum DoorState {
    /// The room is not live yet.
    NotOpen,
    /// Nobody came with this ticket yet.
    NotPresented,
    /// In line.
    Waiting,
    /// It is its turn, or was: an entry is answered with a token.
    Open,
    /// The room is over.
    Over,
}

/// The place of a ticket at the doors
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Door)]
pub(crate) struct DoorBody {
    state: DoorState,
    /// While it waits: 1 is who is let in next.
    place: Option<usize>,
    /// While it waits: when it is its turn, as the doors go now.
    wait_seconds: Option<u32>,
    /// The number of the entry that is good now. A device that came in with a smaller one was taken over by another.
    entry: u32,
}

pub(crate) async fn door_of(
    state: &ApiState,
    room: RoomId,
    user: UserId,
    ticket: TicketId,
) -> Result<DoorBody, ApiError> {
    let entrant = Entrant {
        user,
        ticket_id: Some(ticket),
    };
    let look = move |room: &Room| (room.phase(), room.entry_of(entrant));
    let ((phase, entry), _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    let door = |door_state| DoorBody {
        state: door_state,
        place: None,
        wait_seconds: None,
        entry,
    };
    match phase {
        RoomPhase::Unscheduled | RoomPhase::Scheduled => return Ok(door(DoorState::NotOpen)),
        RoomPhase::Ended | RoomPhase::Cancelled | RoomPhase::Voided => return Ok(door(DoorState::Over)),
        RoomPhase::Live => {}
    }
    let Some(turn) = turn_of(&state.pool, ticket).await? else {
        return Ok(door(DoorState::NotPresented));
    };
    let wait = wait_until(turn, state.now());
    if wait.is_zero() {
        return Ok(door(DoorState::Open));
    }
    Ok(DoorBody {
        place: Some(state.live.line().place(state, turn).await?),
        wait_seconds: Some(seconds(wait)),
        ..door(DoorState::Waiting)
    })
}
