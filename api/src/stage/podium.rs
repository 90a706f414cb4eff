//! Who speaks in a room, and who would like to.

use domain::{RoomCommand, RoomId};
use projections::View;
use projections::entitlements::{StageRow, stage};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::{ReadBack, Written};
use crate::extract::Caller;
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stage)]
pub(crate) struct StageBody {
    host_id: Uuid,
    speakers: Vec<Uuid>,
    /// Who asked to speak and has no answer yet.
    requests: Vec<Uuid>,
}

impl From<StageRow> for StageBody {
    fn from(row: StageRow) -> Self {
        let ids = |users: Vec<domain::UserId>| users.into_iter().map(|user| user.as_uuid()).collect();
        Self {
            host_id: row.host.as_uuid(),
            speakers: ids(row.speakers),
            requests: ids(row.requests),
        }
    }
}

pub(super) async fn find_stage(state: &ApiState, room: RoomId) -> Result<Option<StageBody>, ApiError> {
    Ok(stage(&state.pool, room).await?.map(StageBody::from))
}

/// Executes a command on the room and answers with the stage as it is after it.
pub(super) async fn change(
    state: &ApiState,
    caller: &Caller,
    room: RoomId,
    command: RoomCommand,
) -> Result<Written<ReadBack<StageBody>>, ApiError> {
    let rooms = &state.aggregates.rooms;
    let position = rooms
        .execute(room.as_uuid(), command, caller.metadata())
        .await?
        .position;
    let read = find_stage(state, room);
    let body = ReadBack::wait(state, View::Entitlements, position, room.as_uuid(), read).await;
    if let Some(bridge) = &state.bridge {
        bridge.wake();
    }
    Ok(Written::changed(position, body))
}
