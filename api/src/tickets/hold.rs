//! `POST /v1/rooms/{room}/tickets`: a buyer holds a seat.

use axum::extract::State;
use domain::room::{HoldOptions, HoldSeat};
use domain::{Channel, Room, RoomCommand, RoomEvent, RoomId, TicketId};
use event_log::{Executed, Judged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ticket::{TicketBody, read_back};
use crate::answer::{ReadBack, Written};
use crate::error::ProblemBody;
use crate::extract::{Caller, Fields, Id, IdempotencyKey, OptionalJsonBody, fingerprint};
use crate::shapes::{ChannelName, CustomerBody, customer, price_wish};
use crate::{ApiError, ApiState};

/// Nothing needs to be said on the web for the room's own price, unless the shop takes tax.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest {
    /// `web`, if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<ChannelName>,
    /// Needed for a priced room where the shop takes tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerBody>,
    /// One of the room's; its own price, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promo_code: Option<String>,
    /// Should the payment come too late and every seat be taken: wait up to 10 minutes in front of the waiting list, rather
    /// than have the money back at once.
    #[serde(default, skip_serializing_if = "is_false")]
    wait_if_late: bool,
}

impl HoldRequest {
    fn options(&self) -> HoldOptions {
        HoldOptions {
            wait_if_late: self.wait_if_late,
            ..HoldOptions::default()
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Hold a seat until `expires_at`; pay for it in time
#[utoipa::path(post, path = "/v1/rooms/{room}/tickets", tag = "tickets", request_body = HoldRequest,
    params(("room" = Uuid, Path), ("Idempotency-Key" = String, Header, min_length = 8, max_length = 128, pattern = "^[!-~]+$",
        description = "8 to 128 visible characters")),
    security(("bearer" = [])), responses(
    (status = 201, body = TicketBody),
    (status = 403, description = "`not_rolled_out`: not through this channel", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`sold_out`: the reason names the quota, and Log-Position what it rests on, of which there is a receipt · `promo_code_refused` · `sales_not_open` · `sales_paused` · `sales_closed` · `ticket_limit_reached` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn hold_seat(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
    key: IdempotencyKey,
    OptionalJsonBody(body): OptionalJsonBody<HoldRequest>,
) -> Result<Written<ReadBack<TicketBody>>, ApiError> {
    let path = format!("/v1/rooms/{room}/tickets");
    let mut fields = Fields::default();
    let channel: Channel = body.channel.unwrap_or_default().into();
    let is_sold_there = !channel.is_store() || state.processes.deps().store.is_some();
    fields.check(is_sold_there, "/channel", "this shop sells through no app store");
    let customer = customer(body.customer.as_ref(), &state.taxes, &mut fields);
    let wish = price_wish(body.tier.as_deref(), body.promo_code.as_deref(), room, &mut fields);
    fields.finish()?;
    let ticket_id = TicketId::from_uuid(key.id(caller.user_id, &path));
    let command = RoomCommand::HoldSeat(HoldSeat {
        ticket_id,
        buyer: caller.user_id,
        wish,
        channel,
        rollout: state.rollout.in_force(),
        request: fingerprint(&path, &body)?,
        options: body.options().boxed(),
        at: state.now(),
        customer: customer.unwrap_or_default(),
    });
    let metadata = caller.keyed_metadata(&key);
    let judged = state.aggregates.rooms.judge(room.as_uuid(), command, metadata).await?;
    let executed = match judged {
        Judged::Accepted(executed) => executed,
        Judged::Refused { refusal, position } => return Err(ApiError::SeatRefused { refusal, position }),
    };
    let (location, position) = (format!("/v1/tickets/{ticket_id}"), executed.position);
    let body = match held(room, ticket_id, executed) {
        Some(body) => ReadBack::Whole(body),
        // A repeat: the ticket may have been paid or lapsed since, which its view knows.
        None => read_back(&state, ticket_id, position).await,
    };
    Ok(Written::created(location, position, body))
}

/// The ticket as its hold made it, which is what the view will show of it: a buyer in a rush does not wait for the view.
fn held(room: RoomId, ticket_id: TicketId, executed: Executed<Room>) -> Option<TicketBody> {
    // The last event, and so the one at the command's position, unless others had offers; what lapsed before is released
    // first.
    match executed.events.into_iter().next_back()? {
        RoomEvent::SeatHeld(held) if held.ticket_id == ticket_id => {
            Some(TicketBody::held(room, held, executed.position))
        }
        _ => None,
    }
}
