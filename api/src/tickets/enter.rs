//! `POST /v1/tickets/{ticket}/entry`: the holder walks in.

use axum::extract::State;
use domain::room::Entrant;
use domain::ticket::TicketPhase;
use domain::{Room, Ticket, TicketCommand, TicketError, TicketId, UserId};
use event_log::ExecuteError;
use projections::tickets::TicketRow;

use super::lookup::ticket_of;
use crate::answer::Written;
use crate::doors::wait_for_turn;
use crate::error::EntryRefusal;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id, NoBody};
use crate::stage::{EntryBody, bridge, live_opening, media_entry};
use crate::{ApiError, ApiState};

/// A token for the live room. Valid for minutes: ask again for each connection. The first entry takes a place in line
#[utoipa::path(post, path = "/v1/tickets/{ticket}/entry", tag = "tickets", params(("ticket" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = EntryBody),
    (status = 403, description = "`entry_refused`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "`room_not_live` · `room_over`",
        body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`media_unavailable` · `doors_busy`: come again at one's turn", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn enter_with_ticket(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
    _: NoBody,
) -> Result<Written<EntryBody>, ApiError> {
    let row = held_ticket(&state, &caller, ticket).await?;
    check_ticket(&state, ticket).await?;
    check_welcome(&state, &row).await?;
    let opening = live_opening(&state, row.room_id).await?;
    bridge(&state)?;
    wait_for_turn(&state, &caller, ticket).await?;
    // Whoever finds the door closed was not admitted: the fact comes after the token.
    let entrant = Entrant {
        user: caller.user_id,
        ticket_id: Some(ticket),
    };
    let entry = media_entry(&state, &caller, opening, entrant).await?;
    let position = admit(&state, &caller, ticket).await?;
    Ok(Written::changed(position, entry))
}

/// Who gave the ticket away is told so; to everybody else a foreign ticket does not exist.
async fn held_ticket(state: &ApiState, caller: &Caller, ticket: TicketId) -> Result<TicketRow, ApiError> {
    let user = caller.user_id;
    let look = move |ticket: &Ticket| ticket.was_held_by(user);
    let (was_theirs, _) = state.aggregates.tickets.read(ticket.as_uuid(), look).await?;
    if was_theirs {
        return Err(ApiError::EntryRefused(EntryRefusal::Transferred));
    }
    ticket_of(state, ticket, user).await
}

async fn check_ticket(state: &ApiState, ticket: TicketId) -> Result<(), ApiError> {
    let (phase, _) = state.aggregates.tickets.read(ticket.as_uuid(), Ticket::phase).await?;
    match phase {
        TicketPhase::Issued | TicketPhase::Admitted | TicketPhase::Settled => Ok(()),
        TicketPhase::Refunded => Err(ApiError::EntryRefused(EntryRefusal::Refunded)),
        TicketPhase::Revoked => Err(ApiError::EntryRefused(EntryRefusal::Revoked)),
        TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed => {
            Err(ApiError::EntryRefused(EntryRefusal::NotIssued))
        }
    }
}

/// Not removed, and not banned.
async fn check_welcome(state: &ApiState, row: &TicketRow) -> Result<(), ApiError> {
    let holder: UserId = row.holder;
    let look = move |room: &Room| room.require_welcome(holder);
    let (is_welcome, _) = state.aggregates.rooms.read(row.room_id.as_uuid(), look).await?;
    Ok(is_welcome?)
}

async fn admit(state: &ApiState, caller: &Caller, ticket: TicketId) -> Result<u64, ApiError> {
    let command = TicketCommand::Admit {
        holder: caller.user_id,
        at: state.now(),
    };
    let admitted = state
        .aggregates
        .tickets
        .execute(ticket.as_uuid(), command, caller.metadata())
        .await;
    match admitted {
        Ok(executed) => Ok(executed.position),
        Err(ExecuteError::Refused(TicketError::Refunded)) => Err(ApiError::EntryRefused(EntryRefusal::Refunded)),
        Err(ExecuteError::Refused(TicketError::Revoked)) => Err(ApiError::EntryRefused(EntryRefusal::Revoked)),
        Err(error) => Err(error.into()),
    }
}
