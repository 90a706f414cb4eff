//! What can be asked about tickets.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{RoomId, Terms, TicketId, Timestamp, UserId};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::{PaymentRow, RefundRow, TicketRow};
use crate::QueryError;
use crate::convert::{RowOf, before};

#[derive(FromRow)]
struct TicketRecord {
    ticket_id: Uuid,
    room_id: Uuid,
    host: Uuid,
    holder: Uuid,
    state: String,
    was_admitted: bool,
    expires_at: Option<Timestamp>,
    terms: Json<Terms>,
    created_at: Timestamp,
    created_position: i64,
    position: i64,
    payments: Json<Vec<PaymentRow>>,
    refunds: Json<Vec<RefundRow>>,
}

/// One statement, so that a ticket and its money are of the same moment.
const SELECT: &str = "
    SELECT ticket_id, room_id, host, holder, state, was_admitted, expires_at, terms, created_at, created_position, position,
        (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', p.payment_id, 'attempt', p.attempt, 'provider', p.provider, 'provider_ref', p.provider_ref,
            'state', p.state, 'reason', p.reason, 'started_at', p.started_at,
            'amount', jsonb_build_object('amount_minor', p.amount_minor, 'currency', p.currency),
            'fee', CASE WHEN p.fee_minor IS NOT NULL
                THEN jsonb_build_object('amount_minor', p.fee_minor, 'currency', p.currency) END
            ) ORDER BY p.attempt), '[]')
            FROM view_tickets.payments p WHERE p.ticket_id = t.ticket_id) AS payments,
        (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', r.refund_id, 'payment_id', r.payment_id, 'state', r.state, 'reason', r.reason,
            'initiated_by', r.initiated_by, 'in_full', r.in_full, 'failure', r.failure, 'owed_at', r.owed_at,
            'amount', jsonb_build_object('amount_minor', r.amount_minor, 'currency', r.currency)
            ) ORDER BY r.owed_position), '[]')
            FROM view_tickets.refunds r WHERE r.ticket_id = t.ticket_id) AS refunds
    FROM view_tickets.tickets t JOIN view_tickets.terms USING (terms_id) ";

const PAGE: &str = " AND created_position < $2 ORDER BY created_position DESC LIMIT $3";

pub async fn find_ticket(pool: &PgPool, ticket: TicketId) -> Result<Option<TicketRow>, QueryError> {
    let record: Option<TicketRecord> = sqlx::query_as(&format!("{SELECT} WHERE ticket_id = $1"))
        .bind(ticket.as_uuid())
        .fetch_optional(pool)
        .await?;
    record.map(TicketRow::try_from).transpose()
}

/// The tickets somebody has or had, the latest first; `after` is the `created_position` of the last one seen.
pub async fn list_tickets_of(
    pool: &PgPool,
    holder: UserId,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<TicketRow>, QueryError> {
    let records: Vec<TicketRecord> = sqlx::query_as(&format!("{SELECT} WHERE holder = $1 {PAGE}"))
        .bind(holder.as_uuid())
        .bind(before(after))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(TicketRow::try_from).collect()
}

/// Everything that was ever held in a room, the latest first; `after` is the `created_position` of the last one seen.
pub async fn list_sales_of_room(
    pool: &PgPool,
    room: RoomId,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<TicketRow>, QueryError> {
    let records: Vec<TicketRecord> = sqlx::query_as(&format!("{SELECT} WHERE room_id = $1 {PAGE}"))
        .bind(room.as_uuid())
        .bind(before(after))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(TicketRow::try_from).collect()
}

impl TryFrom<TicketRecord> for TicketRow {
    type Error = QueryError;

    fn try_from(record: TicketRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_tickets.tickets", record.ticket_id);
        Ok(Self {
            id: TicketId::from_uuid(record.ticket_id),
            room_id: RoomId::from_uuid(record.room_id),
            host: UserId::from_uuid(record.host),
            holder: UserId::from_uuid(record.holder),
            state: row.fit("state", record.state.parse())?,
            was_admitted: record.was_admitted,
            expires_at: record.expires_at,
            terms: record.terms.0,
            payments: record.payments.0,
            refunds: record.refunds.0,
            created_at: record.created_at,
            created_position: row.position("created_position", record.created_position)?,
            position: row.position("position", record.position)?,
        })
    }
}
