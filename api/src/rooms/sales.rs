//! `GET /v1/rooms/{room}/sales`: everything that was ever held or sold in a room, for its host.

use axum::extract::State;
use domain::RoomId;
use projections::View;
use projections::tickets::{TicketRow, list_sales_of_room};

use super::host_only::room_of_host;
use crate::answer::Page;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, Paging, Query};
use crate::tickets::TicketBody;
use crate::{ApiError, ApiState};

/// The tickets of a room, the latest first
#[utoipa::path(get, path = "/v1/rooms/{room}/sales", tag = "rooms", params(("room" = Uuid, Path), Paging),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<TicketBody>),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn read_sales(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    Query(paging): Query<Paging>,
) -> Result<Page<TicketBody>, ApiError> {
    state.wait_for(View::Catalogue, paging.min_position).await?;
    state.wait_for(View::Tickets, paging.min_position).await?;
    room_of_host(&state, &caller, room).await?;
    let rows = list_sales_of_room(&state.pool, room, paging.after, paging.limit).await?;
    let cursor = |row: &TicketRow| row.created_position;
    Ok(Page::of(rows, paging.limit, cursor, TicketBody::from))
}
