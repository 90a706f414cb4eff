//! What opens the door of a live room.

use domain::room::RoomPhase;
use domain::{Room, RoomError, RoomId, SessionId};
use media_bridge::{EntryError, Identity, RefusalReason};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::error::EntryRefusal;
use crate::extract::Moment;
use crate::{ApiError, ApiState};

/// Connect to `livekit_url` with `token` before `expires_at`. Stored nowhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryBody {
    livekit_url: String,
    token: String,
    expires_at: Moment,
}

#[derive(Debug, Error)]
#[error("no media server is configured")]
struct NoMediaServer;

/// The current opening of a room.
pub(crate) async fn live_session(state: &ApiState, room: RoomId) -> Result<SessionId, ApiError> {
    let look = |room: &Room| (room.phase(), room.session_id());
    let ((phase, session), _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    match (phase, session) {
        (RoomPhase::Live, Some(session)) => Ok(session),
        (RoomPhase::Unscheduled, _) => Err(ApiError::NotFound),
        (RoomPhase::Scheduled | RoomPhase::Live, _) => Err(RoomError::NotLive.into()),
        (RoomPhase::Ended | RoomPhase::Cancelled, _) => Err(RoomError::RoomOver.into()),
    }
}

pub(super) fn no_media_server() -> ApiError {
    ApiError::MediaUnavailable(Box::new(NoMediaServer))
}

/// A token for an opening, from the media bridge.
pub(crate) async fn media_entry(
    state: &ApiState,
    session: SessionId,
    identity: Identity,
) -> Result<EntryBody, ApiError> {
    let bridge = state.bridge.as_ref().ok_or_else(no_media_server)?;
    let entry = bridge.entry(session, identity).await?;
    Ok(EntryBody {
        livekit_url: state.public_ws_url.clone(),
        token: entry.token,
        expires_at: entry.expires_at.into(),
    })
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
