//! Writes the tickets: a page costs a few statements, and a ticket one row, however often the page changes it.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Terms, Timestamp};
use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::evolve;
use super::fold::{Fold, Lost, NewPayment, NewTicket, Payment, Refund, Ticket};
use super::load::load;
use super::{RefundState, TicketState};
use crate::ApplyError;
use crate::convert::{bigint, int, text, word};

const KNOW_ROOMS: &str = "INSERT INTO rooms (room_id, host) SELECT * FROM unnest($1::uuid[], $2::uuid[])";

/// Most tickets of a room are sold on the same terms.
const KNOW_TERMS: &str = "
    INSERT INTO terms (terms_id, terms) SELECT id, terms::json FROM unnest($1::uuid[], $2::text[]) AS new (id, terms)
    ON CONFLICT (terms_id) DO NOTHING";

const NEW_TICKETS: &str = "
    INSERT INTO tickets (ticket_id, room_id, host, holder, state, was_admitted, expires_at, terms_id, created_at,
        created_position, position)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bool[], $7::timestamptz[],
        $8::uuid[], $9::timestamptz[], $10::bigint[], $11::bigint[])";

const MOVE_TICKETS: &str = "
    UPDATE tickets SET
        state = moved.state, was_admitted = moved.was_admitted, expires_at = moved.expires_at, position = moved.position
    FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::timestamptz[], $5::bigint[])
        AS moved (ticket_id, state, was_admitted, expires_at, position)
    WHERE tickets.ticket_id = moved.ticket_id";

const GIVE_TICKETS: &str = "
    UPDATE tickets SET holder = given.holder FROM unnest($1::uuid[], $2::uuid[]) AS given (ticket_id, holder)
    WHERE tickets.ticket_id = given.ticket_id";

const NEW_PAYMENTS: &str = "
    INSERT INTO payments (payment_id, ticket_id, attempt, provider, amount_minor, currency, started_at, state,
        provider_ref, fee_minor, reason)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[],
        $8::text[], $9::text[], $10::bigint[], $11::text[])";

const MOVE_PAYMENTS: &str = "
    UPDATE payments SET
        state = moved.state, provider_ref = moved.provider_ref, fee_minor = moved.fee_minor, reason = moved.reason
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
        AS moved (payment_id, state, provider_ref, fee_minor, reason)
    WHERE payments.payment_id = moved.payment_id";

const NEW_REFUND: &str = "
    INSERT INTO refunds (refund_id, ticket_id, payment_id, state, amount_minor, currency, reason, initiated_by,
        in_full, failure, owed_at, owed_position)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const NEW_LOST_DISPUTE: &str = "
    INSERT INTO lost_disputes (position, ticket_id, dispute, amount_minor, currency, lost_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

const MOVE_REFUNDS: &str = "
    UPDATE refunds SET state = moved.state, failure = moved.failure
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS moved (refund_id, state, failure)
    WHERE refunds.refund_id = moved.refund_id";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut fold = load(page, tables).await?;
    for recorded in page {
        if let Some(change) = evolve(&recorded.event) {
            fold.take_in(change, bigint(recorded.position))?;
        }
    }
    write_rooms(&fold, tables).await?;
    write_new_tickets(&fold, tables).await?;
    write_moved_tickets(&fold, tables).await?;
    write_holders(&fold, tables).await?;
    write_new_payments(&fold, tables).await?;
    write_moved_payments(&fold, tables).await?;
    for (id, refund) in &fold.new_refunds {
        write_refund(*id, refund, tables).await?;
    }
    write_moved_refunds(&fold, tables).await?;
    for lost in &fold.lost {
        write_lost_dispute(lost, tables).await?;
    }
    Ok(())
}

async fn write_rooms(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    if fold.new_rooms.is_empty() {
        return Ok(());
    }
    let host = |room| fold.rooms.get(room).copied();
    sqlx::query(KNOW_ROOMS)
        .bind(&fold.new_rooms)
        .bind(fold.new_rooms.iter().map(host).collect::<Vec<Option<Uuid>>>())
        .execute(tables)
        .await?;
    Ok(())
}

/// The terms of a page's holds, under ids made of what they say.
#[derive(Default)]
struct AllTerms<'a> {
    /// The last ones seen in each room: nearly always the right ones.
    of_room: HashMap<Uuid, (&'a Terms, Uuid)>,
    ids: Vec<Uuid>,
    texts: Vec<String>,
}

impl<'a> AllTerms<'a> {
    fn id(&mut self, room: Uuid, terms: &'a Terms) -> Result<Uuid, ApplyError> {
        if let Some((last, id)) = self.of_room.get(&room)
            && *last == terms
        {
            return Ok(*id);
        }
        let json = serde_json::to_string(terms)?;
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, json.as_bytes());
        self.of_room.insert(room, (terms, id));
        self.ids.push(id);
        self.texts.push(json);
        Ok(id)
    }
}

async fn write_new_tickets(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut new: Vec<(Uuid, &Ticket<'_>, &NewTicket<'_>)> = fold
        .tickets
        .iter()
        .filter_map(|(id, ticket)| ticket.new.as_ref().map(|new| (*id, ticket, new)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    new.sort_unstable_by_key(|(_, _, new)| new.position);
    let mut terms = AllTerms::default();
    let mut terms_ids = Vec::with_capacity(new.len());
    for (_, _, new) in &new {
        terms_ids.push(terms.id(new.room, &new.held.terms)?);
    }
    sqlx::query(KNOW_TERMS)
        .bind(&terms.ids)
        .bind(&terms.texts)
        .execute(&mut *tables)
        .await?;
    let tickets = new.iter();
    sqlx::query(NEW_TICKETS)
        .bind(tickets.clone().map(|(id, ..)| *id).collect::<Vec<Uuid>>())
        .bind(tickets.clone().map(|(_, _, new)| new.room).collect::<Vec<Uuid>>())
        .bind(tickets.clone().map(|(_, _, new)| new.host).collect::<Vec<Uuid>>())
        .bind(
            tickets
                .clone()
                .map(|(_, _, new)| new.held.buyer.as_uuid())
                .collect::<Vec<Uuid>>(),
        )
        .bind(states(tickets.clone().map(|(_, ticket, _)| *ticket)))
        .bind(
            tickets
                .clone()
                .map(|(_, ticket, _)| ticket.was_admitted)
                .collect::<Vec<bool>>(),
        )
        .bind(
            tickets
                .clone()
                .map(|(_, ticket, _)| ticket.expires_at)
                .collect::<Vec<Option<Timestamp>>>(),
        )
        .bind(terms_ids)
        .bind(
            tickets
                .clone()
                .map(|(_, _, new)| new.held.held_at)
                .collect::<Vec<Timestamp>>(),
        )
        .bind(tickets.clone().map(|(_, _, new)| new.position).collect::<Vec<i64>>())
        .bind(tickets.map(|(_, ticket, _)| ticket.position).collect::<Vec<i64>>())
        .execute(tables)
        .await?;
    Ok(())
}

fn states<'a>(tickets: impl Iterator<Item = &'a Ticket<'a>>) -> Vec<&'static str> {
    tickets.map(|ticket| TicketState::as_str(ticket.state)).collect()
}

async fn write_moved_tickets(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_moved = |(_, ticket): &(&Uuid, &Ticket<'_>)| ticket.is_changed && ticket.new.is_none();
    let moved: Vec<(&Uuid, &Ticket<'_>)> = fold.tickets.iter().filter(is_moved).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let tickets = moved.iter();
    sqlx::query(MOVE_TICKETS)
        .bind(tickets.clone().map(|(id, _)| **id).collect::<Vec<Uuid>>())
        .bind(states(tickets.clone().map(|(_, ticket)| *ticket)))
        .bind(
            tickets
                .clone()
                .map(|(_, ticket)| ticket.was_admitted)
                .collect::<Vec<bool>>(),
        )
        .bind(
            tickets
                .clone()
                .map(|(_, ticket)| ticket.expires_at)
                .collect::<Vec<Option<Timestamp>>>(),
        )
        .bind(tickets.map(|(_, ticket)| ticket.position).collect::<Vec<i64>>())
        .execute(tables)
        .await?;
    Ok(())
}

async fn write_holders(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    if fold.holders.is_empty() {
        return Ok(());
    }
    sqlx::query(GIVE_TICKETS)
        .bind(fold.holders.keys().copied().collect::<Vec<Uuid>>())
        .bind(fold.holders.values().copied().collect::<Vec<Uuid>>())
        .execute(tables)
        .await?;
    Ok(())
}

async fn write_new_payments(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let new: Vec<(Uuid, &Payment<'_>, &NewPayment<'_>)> = fold
        .payments
        .iter()
        .filter_map(|(id, payment)| payment.new.as_ref().map(|new| (*id, payment, new)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let payments = new.iter();
    let texts = |value: &Option<String>| value.as_deref().map(|value| text(value).into_owned());
    sqlx::query(NEW_PAYMENTS)
        .bind(payments.clone().map(|(id, ..)| *id).collect::<Vec<Uuid>>())
        .bind(payments.clone().map(|(_, _, new)| new.ticket).collect::<Vec<Uuid>>())
        .bind(
            payments
                .clone()
                .map(|(_, _, new)| int(new.attempt))
                .collect::<Vec<i32>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, _, new)| text(new.provider).into_owned())
                .collect::<Vec<String>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, _, new)| new.amount.amount_minor())
                .collect::<Vec<i64>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, _, new)| new.amount.currency().code())
                .collect::<Vec<&str>>(),
        )
        .bind(payments.clone().map(|(_, _, new)| new.at).collect::<Vec<Timestamp>>())
        .bind(
            payments
                .clone()
                .map(|(_, payment, _)| payment.state.as_str())
                .collect::<Vec<&str>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, payment, _)| texts(&payment.provider_ref))
                .collect::<Vec<Option<String>>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, payment, _)| payment.fee_minor)
                .collect::<Vec<Option<i64>>>(),
        )
        .bind(
            payments
                .map(|(_, payment, _)| texts(&payment.reason))
                .collect::<Vec<Option<String>>>(),
        )
        .execute(tables)
        .await?;
    Ok(())
}

async fn write_moved_payments(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_moved = |(_, payment): &(&Uuid, &Payment<'_>)| payment.is_changed && payment.new.is_none();
    let moved: Vec<(&Uuid, &Payment<'_>)> = fold.payments.iter().filter(is_moved).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let payments = moved.iter();
    let texts = |value: &Option<String>| value.as_deref().map(|value| text(value).into_owned());
    sqlx::query(MOVE_PAYMENTS)
        .bind(payments.clone().map(|(id, _)| **id).collect::<Vec<Uuid>>())
        .bind(
            payments
                .clone()
                .map(|(_, payment)| payment.state.as_str())
                .collect::<Vec<&str>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, payment)| texts(&payment.provider_ref))
                .collect::<Vec<Option<String>>>(),
        )
        .bind(
            payments
                .clone()
                .map(|(_, payment)| payment.fee_minor)
                .collect::<Vec<Option<i64>>>(),
        )
        .bind(
            payments
                .map(|(_, payment)| texts(&payment.reason))
                .collect::<Vec<Option<String>>>(),
        )
        .execute(tables)
        .await?;
    Ok(())
}

/// Refunds are few: one statement each.
async fn write_refund(id: Uuid, refund: &Refund<'_>, tables: &mut PgConnection) -> Result<(), ApplyError> {
    let owed = refund.owed;
    sqlx::query(NEW_REFUND)
        .bind(id)
        .bind(refund.ticket)
        .bind(owed.payment_id.as_uuid())
        .bind(refund.state.as_str())
        .bind(owed.amount.amount_minor())
        .bind(owed.amount.currency().code())
        .bind(word(owed.reason)?)
        .bind(word(owed.initiated_by)?)
        .bind(owed.in_full)
        .bind(refund.failure.map(text))
        .bind(owed.owed_at)
        .bind(refund.position)
        .execute(tables)
        .await?;
    Ok(())
}

/// Fewer still.
async fn write_lost_dispute(of: &Lost<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(NEW_LOST_DISPUTE)
        .bind(of.position)
        .bind(of.ticket)
        .bind(text(&of.dispute.dispute))
        .bind(of.dispute.covered.amount_minor())
        .bind(of.dispute.covered.currency().code())
        .bind(of.dispute.lost_at)
        .execute(tables)
        .await?;
    Ok(())
}

async fn write_moved_refunds(fold: &Fold<'_>, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    if fold.moved_refunds.is_empty() {
        return Ok(());
    }
    let moved = fold.moved_refunds.iter();
    let failure = |failure: Option<&str>| failure.map(|failure| text(failure).into_owned());
    sqlx::query(MOVE_REFUNDS)
        .bind(moved.clone().map(|(id, _)| *id).collect::<Vec<Uuid>>())
        .bind(
            moved
                .clone()
                .map(|(_, (state, _))| RefundState::as_str(*state))
                .collect::<Vec<&str>>(),
        )
        .bind(
            moved
                .map(|(_, (_, reason))| failure(*reason))
                .collect::<Vec<Option<String>>>(),
        )
        .execute(tables)
        .await?;
    Ok(())
}
