//! `POST /v1/rooms/{room}/waiting_list/me`: to the end of the line.

use axum::extract::State;
use domain::room::JoinWaitingList;
use domain::{RoomCommand, RoomId, TicketId};
use event_log::Judged;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::place::{WaitingPlaceBody, place_of};
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, IdempotencyKey, OptionalJsonBody, fingerprint};
use crate::shapes::{CustomerBody, customer};
use crate::{ApiError, ApiState};

/// Nothing needs to be said, unless the shop takes tax.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinRequest {
    /// Needed for a priced room where the shop takes tax: the price of an offer depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerBody>,
}

/// Join the waiting list. First come, first served; an offer is a held ticket with a deadline of its own, at the lowest
/// price on sale when it is made: the room's, or that of a tier with a seat left
#[utoipa::path(post, path = "/v1/rooms/{room}/waiting_list/me", tag = "waiting list", request_body = JoinRequest,
    params(("room" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = WaitingPlaceBody),
    (status = 403, description = "`entry_refused` · `not_rolled_out`: not on the web", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`sales_not_open` · `sales_closed` · `ticket_limit_reached` · `room_over` · `sold_out`: the list is full, and Log-Position is what that rests on, of which there is a receipt",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn join_waiting_list(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    key: IdempotencyKey,
    OptionalJsonBody(body): OptionalJsonBody<JoinRequest>,
) -> Result<Written<WaitingPlaceBody>, ApiError> {
    let path = format!("/v1/rooms/{room}/waiting_list/me");
    let mut fields = Fields::default();
    let customer = customer(body.customer.as_ref(), &state.taxes, &mut fields);
    fields.finish()?;
    let command = RoomCommand::JoinWaitingList(JoinWaitingList {
        user: caller.user_id,
        ticket_id: TicketId::from_uuid(key.id(caller.user_id, &path)),
        rollout: state.rollout.in_force(),
        customer: customer.unwrap_or_default(),
        request: fingerprint(&path, &body)?,
        at: state.now(),
    });
    let metadata = caller.keyed_metadata(&key);
    let judged = state.aggregates.rooms.judge(room.as_uuid(), command, metadata).await?;
    let executed = match judged {
        Judged::Accepted(executed) => executed,
        Judged::Refused { refusal, position } => return Err(ApiError::SeatRefused { refusal, position }),
    };
    let place = place_of(&state, room, caller.user_id).await?;
    let body = WaitingPlaceBody::new(room, place);
    Ok(Written::created(path, executed.position, body))
}
