//! `GET /v1/tickets/{ticket}`

use axum::extract::State;
use domain::TicketId;
use projections::View;

use super::TicketBody;
use super::lookup::known_ticket;
use crate::answer::{IfNoneMatch, One};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, MinPosition, Query};
use crate::{ApiError, ApiState};

/// One ticket: for its holder, the host of its room, and admins
#[utoipa::path(get, path = "/v1/tickets/{ticket}", tag = "tickets", params(("ticket" = Uuid, Path), MinPosition),
    security(("bearer" = [])), responses(
    (status = 200, body = TicketBody),
    (status = 304, description = "The client has it already: `If-None-Match` names its `ETag`."),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_ticket(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    Query(MinPosition { min_position }): Query<MinPosition>,
    known: IfNoneMatch,
) -> Result<One<TicketBody>, ApiError> {
    state.wait_for(View::Tickets, min_position).await?;
    let row = known_ticket(&state, ticket).await?;
    if row.holder == caller.user_id || row.host == caller.user_id || caller.is_admin() {
        Ok(One::new(row.into(), known))
    } else {
        Err(ApiError::NotFound)
    }
}
