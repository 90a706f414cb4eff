//! `GET /v1/me/events`: what happens to the caller, as it happens.

use axum::extract::State;
use axum::response::Response;
use projections::tickets::list_tickets_of;

use super::note::Topic;
use super::stream::{ChangeBody, LastEventId, respond};
use crate::error::ProblemBody;
use crate::extract::Caller;
use crate::{ApiError, ApiState};

/// The latest tickets of the caller: others are hardly ever heard of again.
const TICKETS_MAX: u32 = 200;

/// What happens to the caller: tickets, offers, payments, refunds, payouts, as server-sent events
#[utoipa::path(get, path = "/v1/me/events", tag = "live", params(
    ("Last-Event-ID" = Option<u64>, Header, description = "Go on after this message: its `id`, a log position")),
    security(("bearer" = [])), responses(
    (status = 200, body = ChangeBody, content_type = "text/event-stream"),
    (status = 422, description = "`invalid_field`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn follow_me(
    State(state): State<ApiState>,
    caller: Caller,
    last: LastEventId,
) -> Result<Response, ApiError> {
    let rows = list_tickets_of(&state.pool, caller.user_id, None, TICKETS_MAX).await?;
    let tickets = rows.into_iter().map(|row| row.id);
    let listener = state.live.listen(Topic::Person(caller.user_id.as_uuid()), tickets);
    Ok(respond(listener.ok_or(ApiError::Overloaded)?, last, true))
}
