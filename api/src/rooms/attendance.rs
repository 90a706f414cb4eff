//! `GET /v1/rooms/{room}/attendance`: who was there when, and whether the room counts as delivered, for its host.

use axum::extract::State;
use domain::RoomId;
use domain::room::PresenceInterval;
use projections::View;
use projections::presence::{AttendanceRow, attendance};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::host_only::room_of_host;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Moment, Query};
use crate::{ApiError, ApiState};

/// The evidence of delivery. Null and empty until it is recorded, soon after the room has ended.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Attendance)]
pub(crate) struct AttendanceBody {
    session_id: Option<Uuid>,
    host_heard_ms: Option<u64>,
    listeners_present: Option<u32>,
    delivered: Option<bool>,
    intervals: Vec<PresenceBody>,
}

/// One stay of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Presence)]
struct PresenceBody {
    user_id: Uuid,
    ticket_id: Option<Uuid>,
    joined_at: Moment,
    left_at: Moment,
    /// How long this person's microphone was open, in milliseconds.
    audible_ms: u64,
}

impl From<PresenceInterval> for PresenceBody {
    fn from(interval: PresenceInterval) -> Self {
        Self {
            user_id: interval.user.as_uuid(),
            ticket_id: interval.ticket_id.map(|ticket| ticket.as_uuid()),
            joined_at: interval.joined_at.into(),
            left_at: interval.left_at.into(),
            audible_ms: interval.audible_ms,
        }
    }
}

impl From<AttendanceRow> for AttendanceBody {
    fn from(row: AttendanceRow) -> Self {
        Self {
            session_id: Some(row.session_id.as_uuid()),
            host_heard_ms: Some(row.host_heard_ms),
            listeners_present: Some(row.listeners_present),
            delivered: Some(row.delivered),
            intervals: row.intervals.into_iter().map(PresenceBody::from).collect(),
        }
    }
}

/// Who was there, and what was heard
#[utoipa::path(get, path = "/v1/rooms/{room}/attendance", tag = "rooms", params(("room" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, body = AttendanceBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_attendance(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<AttendanceBody>, ApiError> {
    state.wait_for(View::Catalogue, min_position).await?;
    state.wait_for(View::Presence, min_position).await?;
    room_of_host(&state, &caller, room).await?;
    let row = attendance(&state.pool, room).await?;
    Ok(One::new(row.map(AttendanceBody::from).unwrap_or_default(), known))
}
