//! Writes the tickets.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::room::SeatHeld;
use domain::ticket::RefundOwed;
use domain::{Money, PaymentId, RefundId, RoomId, TicketId, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::evolve::{RefundStep, TicketChange, evolve};
use super::{PaymentState, RefundState, TicketState};
use crate::ApplyError;
use crate::convert::{bigint, int, text, word};

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        if let Some(change) = evolve(recorded) {
            execute(change, bigint(recorded.position), tables).await?;
        }
    }
    Ok(())
}

async fn execute(change: TicketChange<'_>, position: i64, tables: &mut PgConnection) -> Result<(), ApplyError> {
    match change {
        TicketChange::KnowRoom { room, host } => {
            sqlx::query("INSERT INTO rooms (room_id, host) VALUES ($1, $2)")
                .bind(room.as_uuid())
                .bind(host.as_uuid())
                .execute(tables)
                .await?;
        }
        TicketChange::Hold { room, held } => hold(room, held, position, tables).await?,
        TicketChange::Enter { ticket, state } => enter(ticket, state, position, tables).await?,
        TicketChange::EnterUnpaid { ticket, state } => enter_unpaid(ticket, state, position, tables).await?,
        TicketChange::StartPayment {
            ticket,
            payment,
            attempt,
            provider,
            amount,
            at,
        } => {
            start_payment(ticket, payment, attempt, provider, amount, at, tables).await?;
            pay(ticket, position, tables).await?;
        }
        TicketChange::AcceptPayment {
            ticket,
            payment,
            provider_ref,
        } => {
            move_payment(payment, PaymentState::Accepted, Some(provider_ref), None, None, tables).await?;
            touch(ticket, position, tables).await?;
        }
        TicketChange::CapturePayment { ticket, payment, fee } => {
            move_payment(payment, PaymentState::Captured, None, Some(fee), None, tables).await?;
            touch(ticket, position, tables).await?;
        }
        TicketChange::DeclinePayment {
            ticket,
            payment,
            reason,
        } => {
            move_payment(payment, PaymentState::Declined, None, None, Some(reason), tables).await?;
            stop_paying(ticket, position, tables).await?;
        }
        TicketChange::CancelPayment { ticket, payment } => {
            move_payment(payment, PaymentState::Cancelled, None, None, None, tables).await?;
            stop_paying(ticket, position, tables).await?;
        }
        TicketChange::OweRefund { ticket, refund } => owe_refund(ticket, refund, position, tables).await?,
        TicketChange::MoveRefund { ticket, refund, to } => {
            move_refund(refund, to, tables).await?;
            touch(ticket, position, tables).await?;
        }
    }
    Ok(())
}

async fn hold(room: RoomId, held: &SeatHeld, position: i64, tables: &mut PgConnection) -> Result<(), ApplyError> {
    let insert = "
        INSERT INTO tickets (ticket_id, room_id, host, holder, state, expires_at, terms, created_at, created_position, position)
        SELECT $1, room_id, host, $3, $4, $5, $6, $7, $8, $8
        FROM rooms WHERE room_id = $2";
    let inserted = sqlx::query(insert)
        .bind(held.ticket_id.as_uuid())
        .bind(room.as_uuid())
        .bind(held.buyer.as_uuid())
        .bind(TicketState::Held.as_str())
        .bind(held.expires_at)
        .bind(Json(&held.terms))
        .bind(held.held_at)
        .bind(position)
        .execute(tables)
        .await?;
    if inserted.rows_affected() == 0 {
        let position = position.unsigned_abs();
        return Err(ApplyError::MissingFact { position, what: "room" });
    }
    Ok(())
}

async fn enter(
    ticket: TicketId,
    state: TicketState,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE tickets SET state = $2, was_admitted = was_admitted OR $2 = 'admitted', expires_at = NULL, position = $3
        WHERE ticket_id = $1";
    sqlx::query(update)
        .bind(ticket.as_uuid())
        .bind(state.as_str())
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn enter_unpaid(
    ticket: TicketId,
    state: TicketState,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE tickets SET state = $2, expires_at = NULL, position = $3
        WHERE ticket_id = $1 AND state IN ('held', 'payment_pending')";
    sqlx::query(update)
        .bind(ticket.as_uuid())
        .bind(state.as_str())
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn pay(ticket: TicketId, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE tickets SET state = CASE state WHEN 'held' THEN 'payment_pending' ELSE state END, position = $2
        WHERE ticket_id = $1";
    sqlx::query(update)
        .bind(ticket.as_uuid())
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

/// After a decline, or when the payment is called off, the seat is merely held again, unless another attempt is still open.
async fn stop_paying(ticket: TicketId, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE tickets SET position = $2, state = CASE
            WHEN state = 'payment_pending' AND NOT EXISTS (
                SELECT FROM payments WHERE payments.ticket_id = $1 AND payments.state NOT IN ('declined', 'cancelled')
            ) THEN 'held' ELSE state END
        WHERE ticket_id = $1";
    sqlx::query(update)
        .bind(ticket.as_uuid())
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn touch(ticket: TicketId, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE tickets SET position = $2 WHERE ticket_id = $1")
        .bind(ticket.as_uuid())
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn start_payment(
    ticket: TicketId,
    payment: PaymentId,
    attempt: u32,
    provider: &str,
    amount: Money,
    at: Timestamp,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let insert = "
        INSERT INTO payments (payment_id, ticket_id, attempt, provider, state, amount_minor, currency, started_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(insert)
        .bind(payment.as_uuid())
        .bind(ticket.as_uuid())
        .bind(int(attempt))
        .bind(text(provider))
        .bind(PaymentState::Started.as_str())
        .bind(amount.amount_minor())
        .bind(amount.currency().code())
        .bind(at)
        .execute(tables)
        .await?;
    Ok(())
}

/// Only forward: the provider's reference may be told after the outcome, and a capture is never undone.
async fn move_payment(
    payment: PaymentId,
    state: PaymentState,
    provider_ref: Option<&str>,
    fee: Option<Money>,
    reason: Option<&str>,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let update = "
        UPDATE payments SET
            state = CASE WHEN $2 = 'captured' OR state = 'started' OR (state = 'accepted' AND $2 IN ('declined', 'cancelled'))
                THEN $2 ELSE state END,
            provider_ref = coalesce($3, provider_ref),
            fee_minor = coalesce($4, fee_minor),
            reason = CASE WHEN $2 <> 'captured' THEN coalesce($5, reason) END
        WHERE payment_id = $1";
    sqlx::query(update)
        .bind(payment.as_uuid())
        .bind(state.as_str())
        .bind(provider_ref.map(text))
        .bind(fee.map(Money::amount_minor))
        .bind(reason.map(text))
        .execute(tables)
        .await?;
    Ok(())
}

async fn owe_refund(
    ticket: TicketId,
    refund: &RefundOwed,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), ApplyError> {
    let insert = "
        INSERT INTO refunds (refund_id, ticket_id, payment_id, state, amount_minor, currency, reason, initiated_by,
            in_full, owed_at, owed_position)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sqlx::query(insert)
        .bind(refund.refund_id.as_uuid())
        .bind(ticket.as_uuid())
        .bind(refund.payment_id.as_uuid())
        .bind(RefundState::Owed.as_str())
        .bind(refund.amount.amount_minor())
        .bind(refund.amount.currency().code())
        .bind(word(refund.reason)?)
        .bind(word(refund.initiated_by)?)
        .bind(refund.in_full)
        .bind(refund.owed_at)
        .bind(position)
        .execute(&mut *tables)
        .await?;
    if refund.in_full {
        enter(ticket, TicketState::Refunded, position, tables).await?;
    } else {
        touch(ticket, position, tables).await?;
    }
    Ok(())
}

async fn move_refund(refund: RefundId, to: RefundStep<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (state, failure) = match to {
        RefundStep::Sent => (RefundState::Sent, None),
        RefundStep::Completed => (RefundState::Completed, None),
        RefundStep::Failed { reason } => (RefundState::Failed, Some(reason)),
    };
    sqlx::query("UPDATE refunds SET state = $2, failure = $3 WHERE refund_id = $1")
        .bind(refund.as_uuid())
        .bind(state.as_str())
        .bind(failure.map(text))
        .execute(tables)
        .await?;
    Ok(())
}
