//! Who is on the stage of a room, who would like to be, and who is there.

use domain::{RoomCommand, RoomId, UserId};
use media_bridge::attendance::{Attendance, attendance};
use projections::View;
use projections::entitlements::{StageRow, stage};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::{ReadBack, Written};
use crate::extract::Caller;
use crate::shapes::{NamesBody, RecordingBody};
use crate::{ApiError, ApiState};

/// Each list is in the order of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Stage)]
pub(crate) struct StageBody {
    live: bool,
    host_id: Uuid,
    /// Who leads: the host, or a co-host while the host is away.
    lead_id: Uuid,
    co_hosts: Vec<Uuid>,
    speakers: Vec<Uuid>,
    /// Who asked to speak and has no answer yet.
    requests: Vec<Uuid>,
    /// Who was invited to speak and has not answered yet.
    invitations: Vec<Uuid>,
    /// Co-hosts and speakers who are silenced.
    muted: Vec<Uuid>,
    /// Whose microphone is open now, as the media server was seen last.
    speaking: Vec<Uuid>,
    /// Who is there and not on the stage, as the media server was seen last.
    listeners: u32,
    recording: RecordingBody,
    display_names: NamesBody,
}

impl StageBody {
    fn new(row: &StageRow, there: &Attendance, names: NamesBody) -> Self {
        let ids = |users: &[UserId]| users.iter().map(UserId::as_uuid).collect();
        Self {
            live: row.live,
            host_id: row.host.as_uuid(),
            lead_id: row.lead.as_uuid(),
            co_hosts: ids(&row.co_hosts),
            speakers: ids(&row.speakers),
            requests: ids(&row.requests),
            invitations: ids(&row.invitations),
            muted: ids(&row.muted),
            speaking: ids(&there.speaking),
            listeners: there.listeners,
            recording: RecordingBody {
                allowed: row.recording.allowed,
                running: row.recording.runs,
            },
            display_names: names,
        }
    }
}

pub(crate) async fn find_stage(state: &ApiState, room: RoomId) -> Result<Option<StageBody>, ApiError> {
    let Some(row) = stage(&state.pool, room).await? else {
        return Ok(None);
    };
    let there = match row.session_id.filter(|_| row.live) {
        Some(session) => {
            let on_stage: Vec<UserId> = [row.host]
                .iter()
                .chain(&row.co_hosts)
                .chain(&row.speakers)
                .copied()
                .collect();
            let there = attendance(&state.pool, session, &on_stage, state.now()).await;
            there.map_err(|error| ApiError::LogUnavailable(Box::new(error)))?
        }
        None => Attendance::default(),
    };
    let names = NamesBody::find(state, &everybody(&row)).await?;
    Ok(Some(StageBody::new(&row, &there, names)))
}

/// Whom the stage names: those first who are on it.
fn everybody(row: &StageRow) -> Vec<UserId> {
    let lists = [&row.co_hosts, &row.speakers, &row.invitations, &row.requests];
    [row.host, row.lead]
        .iter()
        .chain(lists.into_iter().flatten())
        .copied()
        .collect()
}

/// Executes a command on the room and answers with the stage as it is after it, to those who may be inside.
pub(crate) async fn change(
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
    if let Some(bridge) = &state.bridge {
        bridge.wake();
    }
    let user = caller.user_id;
    let (is_inside, _) = rooms.read(room.as_uuid(), move |room| room.may_be_inside(user)).await?;
    let read = find_stage(state, room);
    let body = if is_inside {
        ReadBack::wait(state, View::Entitlements, position, room.as_uuid(), read).await
    } else {
        let id = room.as_uuid();
        ReadBack::Behind { id, position }
    };
    Ok(Written::changed(position, body))
}
