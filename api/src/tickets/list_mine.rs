//! `GET /v1/me/tickets`

use axum::extract::State;
use projections::View;
use projections::tickets::{TicketRow, list_tickets_of};

use super::TicketBody;
use crate::answer::Page;
use crate::extract::{Caller, Paging, Query};
use crate::{ApiError, ApiState};

/// My tickets, the latest first
#[utoipa::path(get, path = "/v1/me/tickets", tag = "tickets", params(Paging), security(("bearer" = [])),
    responses((status = 200, body = Page<TicketBody>)))]
pub(crate) async fn list_my_tickets(
    State(state): State<ApiState>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Page<TicketBody>, ApiError> {
    state.wait_for(View::Tickets, paging.min_position).await?;
    let rows = list_tickets_of(&state.pool, caller.user_id, paging.after, paging.limit).await?;
    let cursor = |row: &TicketRow| row.created_position;
    Ok(Page::of(rows, paging.limit, cursor, TicketBody::from))
}
