//! What opens the door of a room: a token for one connection, which takes over another one that is there.

use domain::room::{Entrant, RoomPhase};
use domain::{Room, RoomCommand, RoomError, RoomEvent, RoomId, SessionId};
use media_bridge::{Badge, Bridge, EntryError, FIRST_ENTRY, Identity, RefusalReason};
use processes::people::DisplayName;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::error::EntryRefusal;
use crate::extract::{Caller, Moment};
use crate::{ApiError, ApiState};

/// Devices that come at the same moment are tried one after another.
const TRIES_MAX: usize = 3;

/// Connect to `livekit_url` with `token` before `expires_at`. Stored nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryBody {
    livekit_url: String,
    token: String,
    expires_at: Moment,
    /// `lobby` before the room opens, for the host's side: the connection stays when it does.
    room_state: EntryRoomState,
    /// The number of this entry: 1, and one more with each that took over another.
    entry: u32,
    /// Another device was connected: it is thrown out when this one connects, and its tokens are good no longer.
    took_over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntryRoomState {
    Lobby,
    Live,
}

#[derive(Debug, Error)]
#[error("no media server is configured")]
struct NoMediaServer;

/// The opening that somebody may come into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) room: RoomId,
    pub(crate) session: SessionId,
    pub(crate) state: EntryRoomState,
}

/// The current opening of a room that is live.
pub(crate) async fn live_opening(state: &ApiState, room: RoomId) -> Result<Opening, ApiError> {
    let look = |room: &Room| (room.phase(), room.session_id());
    let ((phase, session), _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    match (phase, session) {
        (RoomPhase::Live, Some(session)) => Ok(Opening {
            room,
            session,
            state: EntryRoomState::Live,
        }),
        (RoomPhase::Unscheduled, _) => Err(ApiError::NotFound),
        (RoomPhase::Scheduled | RoomPhase::Live, _) => Err(RoomError::NotLive.into()),
        (RoomPhase::Ended | RoomPhase::Cancelled | RoomPhase::Voided, _) => Err(RoomError::RoomOver.into()),
    }
}

pub(super) fn no_media_server() -> ApiError {
    ApiError::MediaUnavailable(Box::new(NoMediaServer))
}

pub(crate) fn bridge(state: &ApiState) -> Result<&Bridge, ApiError> {
    state.bridge.as_ref().ok_or_else(no_media_server)
}

/// A token for an opening, from the media bridge.
pub(crate) async fn media_entry(
    state: &ApiState,
    caller: &Caller,
    opening: Opening,
    entrant: Entrant,
) -> Result<EntryBody, ApiError> {
    let bridge = bridge(state)?;
    let identity = entrant.ticket_id.map_or(Identity::Host(entrant.user), Identity::Ticket);
    let knock = bridge.knock(opening.session, identity).await?;
    let entry = if knock.is_occupied {
        take_over(state, caller, opening.room, entrant).await?
    } else {
        entry_of(state, opening.room, entrant).await?
    };
    // What the media server tells everybody in the room.
    let name = state.processes.deps().people.name(entrant.user).await?;
    let badge = Badge {
        identity,
        entry,
        name: name.as_ref().map(DisplayName::reveal),
    };
    let token = bridge.token(opening.session, badge)?;
    Ok(EntryBody {
        livekit_url: state.public_ws_url.clone(),
        token: token.token,
        expires_at: token.expires_at.into(),
        room_state: opening.state,
        entry,
        took_over: knock.is_occupied,
    })
}

async fn entry_of(state: &ApiState, room: RoomId, entrant: Entrant) -> Result<u32, ApiError> {
    let look = move |room: &Room| room.entry_of(entrant);
    let (entry, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    Ok(entry)
}

/// The number is this device's alone: who was second takes over the first.
async fn take_over(state: &ApiState, caller: &Caller, room: RoomId, entrant: Entrant) -> Result<u32, ApiError> {
    let rooms = &state.aggregates.rooms;
    for _ in 0..TRIES_MAX {
        let look = move |room: &Room| (room.entry_of(entrant), room.lobby().is_some());
        let ((from, is_lobby), _) = rooms.read(room.as_uuid(), look).await?;
        if is_lobby {
            return Ok(FIRST_ENTRY);
        }
        let at = state.now();
        let command = RoomCommand::TakeOver { entrant, from, at };
        let executed = rooms.execute(room.as_uuid(), command, caller.metadata()).await?;
        if let Some(RoomEvent::EntryTakenOver { entry, .. }) = executed.events.first() {
            return Ok(*entry);
        }
    }
    Err(ApiError::Conflict)
}

impl From<EntryError> for ApiError {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::Refused(RefusalReason::NotIssued) => Self::EntryRefused(EntryRefusal::NotIssued),
            EntryError::Refused(RefusalReason::Refunded) => Self::EntryRefused(EntryRefusal::Refunded),
            EntryError::Refused(RefusalReason::Removed) => Self::EntryRefused(EntryRefusal::Removed),
            EntryError::Refused(RefusalReason::Banned) => Self::EntryRefused(EntryRefusal::Banned),
            EntryError::NoSuchRoom => RoomError::NotLive.into(),
            EntryError::MediaUnavailable => Self::MediaUnavailable(Box::new(error)),
            EntryError::Entitlements(_) => Self::LogUnavailable(Box::new(error)),
        }
    }
}
