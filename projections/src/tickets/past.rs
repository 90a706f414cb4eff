//! A ticket as it was: its row, folded from the events of its room and of itself.
//!
//! It goes through the fold that fills the table; only what it is read back from is another.

use domain::{AnyEvent, PaymentId, RefundId, RoomId, TicketId, UserId};
use uuid::Uuid;

use super::evolve::{TicketChange, evolve};
use super::fold::{Fold, Payment, Refund};
use super::{PaymentRow, RefundRow, TicketRow};
use crate::ApplyError;
use crate::convert::bigint;

/// The ticket as these events leave it: those of its room and its own, in the order of the log. `None` if it was not held
/// by then.
pub fn past_ticket(ticket: TicketId, events: &[(u64, AnyEvent)]) -> Result<Option<TicketRow>, ApplyError> {
    let mut fold = Fold::default();
    for (position, event) in events {
        if let Some(change) = evolve(event) {
            fold.take_in(change, bigint(*position))?;
        }
    }
    Ok(row(ticket, &fold))
}

/// Whether an event of a room tells something of a ticket: who keeps only these keeps little of a long history.
pub fn is_about(event: &AnyEvent, ticket: TicketId) -> bool {
    match evolve(event) {
        Some(TicketChange::KnowRoom { .. }) => true,
        Some(TicketChange::Hold { held, .. }) => held.ticket_id == ticket,
        Some(TicketChange::Enter { ticket: of, .. } | TicketChange::EnterUnpaid { ticket: of, .. }) => of == ticket,
        Some(
            TicketChange::GiveTo { .. }
            | TicketChange::StartPayment { .. }
            | TicketChange::AcceptPayment { .. }
            | TicketChange::CapturePayment { .. }
            | TicketChange::DeclinePayment { .. }
            | TicketChange::CancelPayment { .. }
            | TicketChange::OweRefund { .. }
            | TicketChange::MoveRefund { .. }
            | TicketChange::Revoke { .. },
        )
        | None => false,
    }
}

fn row(ticket: TicketId, fold: &Fold<'_>) -> Option<TicketRow> {
    let id = ticket.as_uuid();
    let known = fold.tickets.get(&id)?;
    let new = known.new.as_ref()?;
    let holder = fold.holders.get(&id).copied().map(UserId::from_uuid);
    let of_ticket = fold.payments_of.get(&id).into_iter().flatten();
    let mut payments: Vec<PaymentRow> = of_ticket
        .filter_map(|payment| payment_row(*payment, fold.payments.get(payment)?))
        .collect();
    payments.sort_by_key(|payment| payment.attempt);
    let mut refunds: Vec<(Uuid, &Refund<'_>)> = fold
        .new_refunds
        .iter()
        .filter(|(_, refund)| refund.ticket == id)
        .map(|(refund_id, refund)| (*refund_id, refund))
        .collect();
    refunds.sort_by_key(|(_, refund)| refund.position);
    Some(TicketRow {
        id: ticket,
        room_id: RoomId::from_uuid(new.room),
        host: UserId::from_uuid(new.host),
        holder: holder.unwrap_or(new.held.buyer),
        state: known.state,
        was_admitted: known.was_admitted,
        expires_at: known.expires_at,
        terms: new.held.terms.clone(),
        payments,
        refunds: refunds.into_iter().map(|(id, refund)| refund_row(id, refund)).collect(),
        created_at: new.held.held_at,
        created_position: new.position.unsigned_abs(),
        position: known.position.unsigned_abs(),
    })
}

fn payment_row(id: Uuid, payment: &Payment<'_>) -> Option<PaymentRow> {
    let new = payment.new.as_ref()?;
    let currency = new.amount.currency();
    Some(PaymentRow {
        id: PaymentId::from_uuid(id),
        attempt: new.attempt,
        provider: new.provider.to_owned(),
        provider_ref: payment.provider_ref.clone(),
        state: payment.state,
        amount: new.amount,
        fee: payment.fee_minor.map(|minor| domain::Money::new(minor, currency)),
        reason: payment.reason.clone(),
        started_at: new.at,
    })
}

fn refund_row(id: Uuid, refund: &Refund<'_>) -> RefundRow {
    let owed = refund.owed;
    RefundRow {
        id: RefundId::from_uuid(id),
        payment_id: owed.payment_id,
        state: refund.state,
        amount: owed.amount,
        reason: owed.reason,
        initiated_by: owed.initiated_by,
        in_full: owed.in_full,
        failure: refund.failure.map(str::to_owned),
        owed_at: owed.owed_at,
    }
}
