//! What only the host of a room may read.

use domain::RoomId;
use projections::catalogue::{RoomRow, find_room};

use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// The room, if the caller is its host or an admin. Rooms are public, so their existence is no secret: 403.
pub(super) async fn room_of_host(state: &ApiState, caller: &Caller, room: RoomId) -> Result<RoomRow, ApiError> {
    let row = find_room(&state.pool, room).await?.ok_or(ApiError::NotFound)?;
    if row.host_id == caller.user_id || caller.is_admin() {
        Ok(row)
    } else {
        Err(ApiError::Forbidden {
            detail: "This is for the host of the room.",
        })
    }
}
