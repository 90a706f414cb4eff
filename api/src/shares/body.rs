//! The shares of a room as those see them whom they concern. Read from the room itself: who agrees wants to know at once.

use domain::room::Sharing;
use domain::{Room, RoomCommand, RoomId, UserId};
use event_log::Metadata;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Written;
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shares)]
pub(crate) struct SharesBody {
    room_id: Uuid,
    /// Empty where it is all the host's.
    shares: Vec<ShareBody>,
    /// Everybody has agreed: the room sells.
    agreed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
struct ShareBody {
    user_id: Uuid,
    /// Of 10,000.
    basis_points: u16,
    agreed: bool,
}

impl SharesBody {
    pub(super) fn new(room: RoomId, sharing: &Sharing) -> Self {
        let share = |share: &domain::Share| ShareBody {
            user_id: share.user.as_uuid(),
            basis_points: share.basis_points.points(),
            agreed: sharing.has_agreed(share.user),
        };
        Self {
            room_id: room.as_uuid(),
            shares: sharing.shares().iter().map(share).collect(),
            agreed: sharing.is_agreed(),
        }
    }
}

/// The room's host and its shares; `None` where there is no such room.
pub(super) async fn find(state: &ApiState, room: RoomId) -> Result<Option<(UserId, Sharing)>, ApiError> {
    let look = |room: &Room| Some((room.facts()?.host, room.sharing()?.clone()));
    let (found, _) = state.aggregates.rooms.read(room.as_uuid(), look).await?;
    Ok(found)
}

/// Executes a command and answers with the shares after it.
pub(super) async fn change(
    state: &ApiState,
    room: RoomId,
    command: RoomCommand,
    metadata: Metadata,
) -> Result<Written<SharesBody>, ApiError> {
    let rooms = &state.aggregates.rooms;
    let position = rooms.execute(room.as_uuid(), command, metadata).await?.position;
    let (_, sharing) = find(state, room).await?.ok_or(ApiError::NotFound)?;
    Ok(Written::changed(position, SharesBody::new(room, &sharing)))
}
