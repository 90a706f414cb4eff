//! `POST /v1/tickets/{ticket}/transfer`: the holder gives the ticket to somebody else.

use axum::extract::State;
use domain::{Room, TicketCommand, TicketId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::lookup::known_ticket;
use crate::answer::Written;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, JsonBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// The new holder.
    user_id: Uuid,
}

/// Whose the ticket is now. The rest of it is for its holder.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transfer)]
pub(crate) struct TransferBody {
    id: Uuid,
    room_id: Uuid,
    holder_id: Uuid,
}

/// Give a ticket to somebody else, where the host allows it and until its holder is admitted
#[utoipa::path(post, path = "/v1/tickets/{ticket}/transfer", tag = "tickets", params(("ticket" = Uuid, Path)),
    request_body = TransferRequest, security(("bearer" = [])), responses(
    (status = 200, body = TransferBody),
    (status = 403, description = "`entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`not_transferable` · `ticket_limit_reached` · `room_over` · `not_refundable`",
        body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn transfer_ticket(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    JsonBody(body): JsonBody<TransferRequest>,
) -> Result<Written<TransferBody>, ApiError> {
    let (by, to) = (caller.user_id, UserId::from_uuid(body.user_id));
    let row = known_ticket(&state, ticket).await?;
    if row.holder == by && by != to {
        let look = move |room: &Room| room.may_receive(to);
        let (verdict, _) = state.aggregates.rooms.read(row.room_id.as_uuid(), look).await?;
        verdict?;
    }
    let command = TicketCommand::Transfer {
        by,
        to,
        at: state.now(),
    };
    let tickets = &state.aggregates.tickets;
    let executed = tickets.execute(ticket.as_uuid(), command, caller.metadata()).await?;
    let body = TransferBody {
        id: ticket.as_uuid(),
        room_id: row.room_id.as_uuid(),
        holder_id: to.as_uuid(),
    };
    Ok(Written::changed(executed.position, body))
}
