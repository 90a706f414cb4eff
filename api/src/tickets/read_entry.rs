//! `GET /v1/tickets/{ticket}/entry`

use axum::extract::State;
use domain::TicketId;
use projections::View;

use super::lookup::ticket_of;
use crate::answer::{IfNoneMatch, One};
use crate::doors::{DoorBody, door_of};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// Where the ticket stands at the doors: its place in line, and whether another device took over
#[utoipa::path(get, path = "/v1/tickets/{ticket}/entry", tag = "tickets", params(("ticket" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, body = DoorBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_entry(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<DoorBody>, ApiError> {
    state.wait_for(View::Entitlements, min_position).await?;
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let body = door_of(&state, row.room_id, caller.user_id, ticket).await?;
    Ok(One::new(body, known))
}
