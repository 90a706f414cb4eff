//! Reads the rows that a page of tickets rests on.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use event_log::Recorded;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::evolve::{TicketChange, evolve};
use super::fold::{Fold, Payment, Ticket};
use crate::ApplyError;
use crate::convert::known;

const ROOMS: &str = "SELECT room_id, host FROM rooms WHERE room_id = ANY($1)";
const TICKETS: &str =
    "SELECT ticket_id, state, was_admitted, expires_at, position FROM tickets WHERE ticket_id = ANY($1)";
const PAYMENTS: &str = "
    SELECT payment_id, ticket_id, state, provider_ref, fee_minor, reason FROM payments WHERE ticket_id = ANY($1)";

#[derive(FromRow)]
struct StoredTicket {
    ticket_id: Uuid,
    state: String,
    was_admitted: bool,
    expires_at: Option<Timestamp>,
    position: i64,
}

#[derive(FromRow)]
struct StoredPayment {
    payment_id: Uuid,
    ticket_id: Uuid,
    state: String,
    provider_ref: Option<String>,
    fee_minor: Option<i64>,
    reason: Option<String>,
}

/// What a page speaks about and does not begin itself.
#[derive(Default)]
struct Wanted {
    rooms: HashSet<Uuid>,
    tickets: HashSet<Uuid>,
    /// Tickets whose payments are spoken of.
    paid: HashSet<Uuid>,
    held: HashSet<Uuid>,
}

pub(super) async fn load<'a>(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<Fold<'a>, ApplyError> {
    let wanted = wanted(page);
    let mut fold = Fold::default();
    if !wanted.rooms.is_empty() {
        let ids: Vec<Uuid> = wanted.rooms.into_iter().collect();
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(ROOMS).bind(ids).fetch_all(&mut *tables).await?;
        fold.rooms.extend(rows);
    }
    if !wanted.tickets.is_empty() {
        let ids: Vec<Uuid> = wanted.tickets.into_iter().collect();
        let rows: Vec<StoredTicket> = sqlx::query_as(TICKETS).bind(ids).fetch_all(&mut *tables).await?;
        for row in rows {
            let ticket = Ticket {
                new: None,
                state: known(&row.state)?,
                was_admitted: row.was_admitted,
                expires_at: row.expires_at,
                position: row.position,
                is_changed: false,
            };
            fold.tickets.insert(row.ticket_id, ticket);
        }
    }
    if !wanted.paid.is_empty() {
        let ids: Vec<Uuid> = wanted.paid.into_iter().collect();
        let rows: Vec<StoredPayment> = sqlx::query_as(PAYMENTS).bind(ids).fetch_all(tables).await?;
        for row in rows {
            let payment = Payment {
                new: None,
                state: known(&row.state)?,
                provider_ref: row.provider_ref,
                fee_minor: row.fee_minor,
                reason: row.reason,
                is_changed: false,
            };
            fold.payments_of.entry(row.ticket_id).or_default().push(row.payment_id);
            fold.payments.insert(row.payment_id, payment);
        }
    }
    Ok(fold)
}

fn wanted(page: &[Arc<Recorded>]) -> Wanted {
    let mut wanted = Wanted::default();
    for recorded in page {
        match evolve(&recorded.event) {
            Some(TicketChange::Hold { room, held }) => {
                wanted.rooms.insert(room.as_uuid());
                wanted.held.insert(held.ticket_id.as_uuid());
            }
            Some(
                TicketChange::StartPayment { ticket, .. }
                | TicketChange::AcceptPayment { ticket, .. }
                | TicketChange::CapturePayment { ticket, .. }
                | TicketChange::DeclinePayment { ticket, .. }
                | TicketChange::CancelPayment { ticket, .. },
            ) => {
                wanted.tickets.insert(ticket.as_uuid());
                wanted.paid.insert(ticket.as_uuid());
            }
            Some(
                TicketChange::Enter { ticket, .. }
                | TicketChange::GiveTo { ticket, .. }
                | TicketChange::EnterUnpaid { ticket, .. }
                | TicketChange::OweRefund { ticket, .. }
                | TicketChange::MoveRefund { ticket, .. }
                | TicketChange::Revoke { ticket, .. },
            ) => {
                wanted.tickets.insert(ticket.as_uuid());
            }
            Some(TicketChange::KnowRoom { .. }) | None => {}
        }
    }
    // A hold is the first that is heard of a ticket.
    wanted.tickets.retain(|ticket| !wanted.held.contains(ticket));
    wanted.paid.retain(|ticket| !wanted.held.contains(ticket));
    wanted
}
