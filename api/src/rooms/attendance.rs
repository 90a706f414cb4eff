//! `GET /v1/rooms/{room}/attendance`: who was there and who was heard when, and what the room came to, for its host.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::RoomId;
use http::HeaderMap;
use projections::View;
use projections::presence::{AttendanceRow, attendance};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attendance_sheet;
use super::host_only::room_of_host;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Moment, Query};
use crate::shapes::{InterruptionBody, PresenceBody, VerdictBody};
use crate::statements::FormatQuery;
use crate::{ApiError, ApiState};

/// The evidence of delivery. Null and empty until it is recorded, soon after the room has ended.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Attendance)]
pub(crate) struct AttendanceBody {
    session_id: Option<Uuid>,
    /// How long anybody of the host's side was heard.
    host_heard_ms: Option<u64>,
    /// Ticket holders who were there while the host's side was heard.
    listeners_present: Option<u32>,
    delivered: Option<bool>,
    /// Null in records of older versions, too.
    verdict: Option<VerdictBody>,
    recorded_at: Option<Moment>,
    pub(super) interruptions: Vec<InterruptionBody>,
    pub(super) intervals: Vec<PresenceBody>,
}

impl From<AttendanceRow> for AttendanceBody {
    fn from(row: AttendanceRow) -> Self {
        Self {
            session_id: Some(row.session_id.as_uuid()),
            host_heard_ms: Some(row.host_heard_ms),
            listeners_present: Some(row.listeners_present),
            delivered: Some(row.delivered),
            verdict: row.verdict.map(VerdictBody::from),
            recorded_at: Some(row.recorded_at.into()),
            interruptions: row.interruptions.into_iter().map(InterruptionBody::from).collect(),
            intervals: row.intervals.into_iter().map(PresenceBody::from).collect(),
        }
    }
}

/// Who was there, and what was heard: JSON, or a sheet for `Accept: text/csv`
#[utoipa::path(get, path = "/v1/rooms/{room}/attendance", tag = "rooms",
    params(("room" = Uuid, Path), FormatQuery, MinPosition), security(("bearer" = [])), responses(
    (status = 200, content((AttendanceBody = "application/json"), (String = "text/csv"))),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_attendance(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    Query((format, waiting)): Query<(FormatQuery, MinPosition)>,
    known: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.wait_for(View::Catalogue, waiting.min_position).await?;
    state.wait_for(View::Presence, waiting.min_position).await?;
    room_of_host(&state, &caller, room).await?;
    let row = attendance(&state.pool, room).await?;
    let body = row.map(AttendanceBody::from).unwrap_or_default();
    if format.wants_csv(&headers) {
        return Ok(attendance_sheet::answer(room, &body));
    }
    Ok(One::new(body, known).into_response())
}
