//! `GET /v1/rooms/{room}/timeline`: what happened, event by event, for the host.

use axum::extract::State;
use domain::RoomId;
use projections::View;
use projections::timeline::{TimelineLine, timeline};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::host_only::room_of_host;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, Moment, Paging, Query};
use crate::{ApiError, ApiState};

/// One event of the room or of one of its tickets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TimelineLine)]
pub(crate) struct TimelineLineBody {
    position: u64,
    at: Moment,
    r#type: String,
    /// The ticket it is about, if it is about one.
    ticket_id: Option<Uuid>,
    /// What the event says.
    #[schema(value_type = Object)]
    facts: serde_json::Value,
}

impl From<TimelineLine> for TimelineLineBody {
    fn from(line: TimelineLine) -> Self {
        Self {
            position: line.position,
            at: line.at.into(),
            r#type: line.event_type,
            ticket_id: line.ticket_id.map(|ticket| ticket.as_uuid()),
            facts: line.facts,
        }
    }
}

/// The story of a room, the oldest first
#[utoipa::path(get, path = "/v1/rooms/{room}/timeline", tag = "rooms", params(("room" = Uuid, Path), Paging),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<TimelineLineBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_timeline(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    Query(paging): Query<Paging>,
) -> Result<Page<TimelineLineBody>, ApiError> {
    state.wait_for(View::Catalogue, paging.min_position).await?;
    state.wait_for(View::Timeline, paging.min_position).await?;
    room_of_host(&state, &caller, room).await?;
    let lines = timeline(&state.pool, room, paging.after, paging.limit).await?;
    let cursor = |line: &TimelineLine| line.position;
    Ok(Page::of(lines, paging.limit, cursor, TimelineLineBody::from))
}
