//! What stands between a person and being forgotten: money or a room that others count on.
//!
//! A lost place in line is none of it: an offer that nobody can take lapses and passes on.

use domain::payout::PayoutPhase;
use domain::ticket::DisputeState;
use domain::{Payout, Room, Ticket, TicketId, UserId};
use projections::View;
use projections::catalogue::{RoomFilter, RoomRow, RoomState, find_room, list_rooms};
use projections::tickets::{RefundState, TicketRow, TicketState, list_tickets_of};

use crate::{ApiError, ApiState};

const PAGE: u32 = 200;

/// The `reason` of the refusal.
pub(super) async fn find_open_business(state: &ApiState, person: UserId) -> Result<Option<&'static str>, ApiError> {
    let head = state.durable_position();
    for view in [View::Tickets, View::Catalogue] {
        state.wait_for(view, Some(head)).await?;
    }
    if let Some(reason) = of_account(state, person).await? {
        return Ok(Some(reason));
    }
    if let Some(reason) = of_rooms(state, person).await? {
        return Ok(Some(reason));
    }
    of_tickets(state, person).await
}

async fn of_account(state: &ApiState, person: UserId) -> Result<Option<&'static str>, ApiError> {
    let is_open = |account: &Payout| {
        let is_on_its_way = account
            .payouts()
            .any(|payout| matches!(payout.state, PayoutPhase::Requested | PayoutPhase::Sent));
        let has_balance = account.currencies().any(|currency| {
            let parts = [
                account.pending(currency),
                account.available(currency),
                account.reserved(currency),
                account.receivable(currency),
            ];
            parts.iter().any(|part| !part.is_zero())
        });
        is_on_its_way || has_balance
    };
    let (is_open, _) = state.aggregates.payouts.read(person.as_uuid(), is_open).await?;
    Ok(is_open.then_some("open_balance"))
}

/// Rooms of this host, or shared by this person, that are to come, or whose money is not divided yet.
async fn of_rooms(state: &ApiState, person: UserId) -> Result<Option<&'static str>, ApiError> {
    let mut after = None;
    loop {
        let filter = RoomFilter {
            of: Some(person),
            ..RoomFilter::default()
        };
        let rooms = list_rooms(&state.pool, &filter, after, PAGE).await?;
        for room in &rooms {
            let is_open = match room.state {
                RoomState::Scheduled | RoomState::Live => true,
                RoomState::Ended => !is_divided(state, room, person).await?,
                RoomState::Cancelled | RoomState::Voided => false,
            };
            if is_open {
                return Ok(Some("upcoming_room"));
            }
        }
        after = rooms.last().map(|room| room.created_position);
        if rooms.len() < PAGE as usize {
            return Ok(None);
        }
    }
}

/// The room was judged, and of each seat it sold the money has gone back, or to the host and to whoever is asked for.
async fn is_divided(state: &ApiState, room: &RoomRow, person: UserId) -> Result<bool, ApiError> {
    let sold = |room: &Room| {
        let is_judged = room.delivery().is_some();
        is_judged.then(|| room.sold().map(|(ticket, _)| ticket).collect::<Vec<_>>())
    };
    let (sold, _) = state.aggregates.rooms.read(room.id.as_uuid(), sold).await?;
    for ticket in sold.iter().flatten() {
        let is_back = |ticket: &Ticket| ticket.captured() == ticket.owed_back();
        let (is_back, _) = state.aggregates.tickets.read(ticket.as_uuid(), is_back).await?;
        if !is_back && !has_arrived(state, room.host_id, *ticket, person).await? {
            return Ok(false);
        }
    }
    Ok(sold.is_some())
}

/// The sale is on the host's account, and what a person has of it on theirs.
async fn has_arrived(state: &ApiState, host: UserId, ticket: TicketId, person: UserId) -> Result<bool, ApiError> {
    let accounts = &state.aggregates.payouts;
    let look = |account: &Payout| (account.is_credited(ticket), account.shares_with(ticket, person));
    let ((is_divided, is_shared), _) = accounts.read(host.as_uuid(), look).await?;
    if !is_divided || !is_shared {
        return Ok(is_divided);
    }
    let is_credited = |account: &Payout| account.is_credited(ticket);
    Ok(accounts.read(person.as_uuid(), is_credited).await?.0)
}

async fn of_tickets(state: &ApiState, person: UserId) -> Result<Option<&'static str>, ApiError> {
    let mut after = None;
    loop {
        let tickets = list_tickets_of(&state.pool, person, after, PAGE).await?;
        for ticket in &tickets {
            if let Some(reason) = of_ticket(state, ticket).await? {
                return Ok(Some(reason));
            }
        }
        after = tickets.last().map(|ticket| ticket.created_position);
        if tickets.len() < PAGE as usize {
            return Ok(None);
        }
    }
}

async fn of_ticket(state: &ApiState, ticket: &TicketRow) -> Result<Option<&'static str>, ApiError> {
    let is_open = |refund: RefundState| match refund {
        RefundState::Owed | RefundState::Sent | RefundState::Failed => true,
        RefundState::Completed => false,
    };
    if ticket.refunds.iter().any(|refund| is_open(refund.state)) {
        return Ok(Some("open_refund"));
    }
    match ticket.state {
        TicketState::Lapsed | TicketState::Released => return Ok(None),
        TicketState::Held | TicketState::PaymentPending => return Ok(Some("open_ticket")),
        TicketState::Issued
        | TicketState::Admitted
        | TicketState::Refunded
        | TicketState::Settled
        | TicketState::Revoked => {}
    }
    let is_disputed = |ticket: &Ticket| ticket.disputes().any(|dispute| dispute.state == DisputeState::Open);
    let tickets = &state.aggregates.tickets;
    let (is_disputed, _) = tickets.read(ticket.id.as_uuid(), is_disputed).await?;
    if is_disputed {
        return Ok(Some("open_dispute"));
    }
    let is_good = matches!(ticket.state, TicketState::Issued | TicketState::Admitted);
    let is_open = is_good && is_to_come(state, ticket).await?;
    Ok(is_open.then_some("upcoming_room"))
}

/// Its room is to come, or has not been judged: the money may still go back. A free ticket has none.
async fn is_to_come(state: &ApiState, ticket: &TicketRow) -> Result<bool, ApiError> {
    let room = find_room(&state.pool, ticket.room_id).await?;
    Ok(match room.map(|room| room.state) {
        Some(RoomState::Scheduled | RoomState::Live) => true,
        Some(RoomState::Ended | RoomState::Cancelled | RoomState::Voided) => !ticket.terms.total.is_zero(),
        None => false,
    })
}
