//! What can be asked of statements.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use chrono::NaiveDate;
use domain::shop::DaySealed;
use domain::{Currency, Money, PayoutId, RefundId, RoomId, Terms, TicketId, Timestamp, UserId};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::{Parts, RefundLine, SaleTerms, StatementLine, Totals};
use crate::QueryError;
use crate::convert::{RowOf, bigint};
use crate::earnings::Balance;

/// More lines than one host can earn in a month of sold-out rooms; a statement is never longer.
pub const LINES_MAX: usize = 100_000;

/// The positions after one and up to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    pub after: u64,
    pub up_to: u64,
}

/// What a line, or a sum of lines, has of each kind.
#[derive(FromRow)]
struct FiguresRecord {
    gross: i64,
    tax: i64,
    store_fee: i64,
    provider_fee: i64,
    platform_fee: i64,
    co_hosts: i64,
    pending: i64,
    available: i64,
    pending_payout: i64,
    paid_out: i64,
    reserved: i64,
    receivable: i64,
}

impl FiguresRecord {
    fn parts(&self, currency: Currency) -> Parts {
        let money = |minor| Money::new(minor, currency);
        Parts {
            pending: money(self.pending),
            available: money(self.available),
            pending_payout: money(self.pending_payout),
            paid_out: money(self.paid_out),
            reserved: money(self.reserved),
            receivable: money(self.receivable),
        }
    }
}

#[derive(FromRow)]
struct LineRecord {
    position: i64,
    at: Timestamp,
    kind: String,
    room_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    payout_id: Option<Uuid>,
    reference: Option<String>,
    currency: String,
    #[sqlx(flatten)]
    figures: FiguresRecord,
    terms: Option<Json<Terms>>,
}

#[derive(FromRow)]
struct TotalsRecord {
    currency: String,
    sales: i64,
    #[sqlx(flatten)]
    figures: FiguresRecord,
}

#[derive(FromRow)]
struct RefundRecord {
    position: i64,
    at: Timestamp,
    refund_id: Option<Uuid>,
    dispute: Option<String>,
    ticket_id: Uuid,
    room_id: Uuid,
    amount_minor: i64,
    currency: String,
    reason: String,
}

/// The lines of a stretch, in order; one more than [`LINES_MAX`] if there are more. A payout has its reference from the
/// moment on at which it was told, so that a line says for ever what it said at first. The terms of sales are those of the
/// tickets view, which must have come as far.
pub async fn lines(pool: &PgPool, host: UserId, stretch: Stretch) -> Result<Vec<StatementLine>, QueryError> {
    let select = "
        SELECT line.position, at, kind, line.room_id, line.ticket_id, line.payout_id,
            coalesce(line.reference, payout.reference) AS reference, currency, gross, tax, store_fee, provider_fee,
            platform_fee, co_hosts, pending, available, pending_payout, paid_out, reserved, receivable, terms.terms
        FROM view_statements.lines AS line
        LEFT JOIN view_statements.payouts AS payout
            ON payout.payout_id = line.payout_id AND sent_position <= line.position
        LEFT JOIN view_tickets.tickets AS ticket ON line.kind = 'earning' AND ticket.ticket_id = line.ticket_id
        LEFT JOIN view_tickets.terms AS terms USING (terms_id)
        WHERE line.host = $1 AND line.position > $2 AND line.position <= $3
        ORDER BY line.position LIMIT $4";
    let records: Vec<LineRecord> = sqlx::query_as(select)
        .bind(host.as_uuid())
        .bind(bigint(stretch.after))
        .bind(bigint(stretch.up_to))
        .bind(bigint(LINES_MAX as u64 + 1))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(StatementLine::try_from).collect()
}

/// The sums of a stretch, by currency.
pub async fn totals(pool: &PgPool, host: UserId, stretch: Stretch) -> Result<Vec<Totals>, QueryError> {
    let select = "
        SELECT currency, count(*) FILTER (WHERE kind = 'earning') AS sales, sum(gross)::bigint AS gross,
            sum(tax)::bigint AS tax, sum(store_fee)::bigint AS store_fee, sum(provider_fee)::bigint AS provider_fee,
            sum(platform_fee)::bigint AS platform_fee, sum(co_hosts)::bigint AS co_hosts,
            sum(pending)::bigint AS pending, sum(available)::bigint AS available,
            sum(pending_payout)::bigint AS pending_payout, sum(paid_out)::bigint AS paid_out,
            sum(reserved)::bigint AS reserved, sum(receivable)::bigint AS receivable
        FROM view_statements.lines
        WHERE host = $1 AND position > $2 AND position <= $3
        GROUP BY currency ORDER BY currency LIMIT $4";
    let records: Vec<TotalsRecord> = sqlx::query_as(select)
        .bind(host.as_uuid())
        .bind(bigint(stretch.after))
        .bind(bigint(stretch.up_to))
        .bind(bigint(Currency::ALL.len() as u64))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(Totals::try_from).collect()
}

/// What a host's account held when the log was at a position.
pub async fn balances_at(pool: &PgPool, host: UserId, position: u64) -> Result<Vec<Balance>, QueryError> {
    let stretch = Stretch {
        after: 0,
        up_to: position,
    };
    let totals = totals(pool, host, stretch).await?;
    Ok(totals.into_iter().map(Balance::from).collect())
}

/// What went back to the host's buyers in a stretch before it was earned, or was taken back by their banks, in order; one more
/// than [`LINES_MAX`] if there are more. From the tickets view, which must have come as far.
pub async fn refunds(pool: &PgPool, host: UserId, stretch: Stretch) -> Result<Vec<RefundLine>, QueryError> {
    let select = "
        SELECT owed_position AS position, owed_at AS at, refund_id, NULL AS dispute, ticket_id, room_id, amount_minor,
            currency, reason
        FROM view_tickets.refunds JOIN view_tickets.tickets USING (ticket_id)
        WHERE host = $1 AND owed_position > $2 AND owed_position <= $3
        UNION ALL
        SELECT lost.position, lost_at, NULL, dispute, ticket_id, room_id, amount_minor, currency, 'dispute_lost'
        FROM view_tickets.lost_disputes AS lost JOIN view_tickets.tickets USING (ticket_id)
        WHERE host = $1 AND lost.position > $2 AND lost.position <= $3
        ORDER BY position LIMIT $4";
    let records: Vec<RefundRecord> = sqlx::query_as(select)
        .bind(host.as_uuid())
        .bind(bigint(stretch.after))
        .bind(bigint(stretch.up_to))
        .bind(bigint(LINES_MAX as u64 + 1))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(RefundLine::try_from).collect()
}

/// The provider's names of payouts, as far as they were told.
pub async fn payout_references(
    pool: &PgPool,
    payouts: &[PayoutId],
    up_to: u64,
) -> Result<Vec<(PayoutId, String)>, QueryError> {
    let ids: Vec<Uuid> = payouts.iter().map(PayoutId::as_uuid).collect();
    let limit = bigint(ids.len() as u64);
    let select = "SELECT payout_id, reference FROM view_statements.payouts
        WHERE payout_id = ANY($1) AND sent_position <= $2
        LIMIT $3";
    let query = sqlx::query_as(select).bind(ids).bind(bigint(up_to)).bind(limit);
    let found: Vec<(Uuid, String)> = query.fetch_all(pool).await?;
    let named = found
        .into_iter()
        .map(|(payout, name)| (PayoutId::from_uuid(payout), name));
    Ok(named.collect())
}

/// A sealed day, with the position of its seal.
pub async fn find_day(pool: &PgPool, date: NaiveDate) -> Result<Option<(DaySealed, u64)>, QueryError> {
    let select = "SELECT position, sealed FROM view_statements.days WHERE date = $1";
    let record: Option<(i64, Json<DaySealed>)> = sqlx::query_as(select).bind(date).fetch_optional(pool).await?;
    record.map(day_of).transpose()
}

/// Sealed days, the latest first; `before` is the last one seen.
pub async fn list_days(
    pool: &PgPool,
    before: Option<NaiveDate>,
    limit: u32,
) -> Result<Vec<(DaySealed, u64)>, QueryError> {
    let select = "
        SELECT position, sealed FROM view_statements.days
        WHERE $1::date IS NULL OR date < $1
        ORDER BY date DESC LIMIT $2";
    let records: Vec<(i64, Json<DaySealed>)> = sqlx::query_as(select)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(day_of).collect()
}

fn day_of((position, Json(day)): (i64, Json<DaySealed>)) -> Result<(DaySealed, u64), QueryError> {
    let position = RowOf::new("view_statements.days", day.date).position("position", position)?;
    Ok((day, position))
}

impl TryFrom<LineRecord> for StatementLine {
    type Error = QueryError;

    fn try_from(record: LineRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_statements.lines", record.position);
        let currency = row.currency(&record.currency)?;
        let (figures, money) = (&record.figures, |minor| Money::new(minor, currency));
        let parts = figures.parts(currency);
        Ok(Self {
            position: row.position("position", record.position)?,
            at: record.at,
            kind: row.fit("kind", record.kind.parse())?,
            room_id: record.room_id.map(RoomId::from_uuid),
            ticket_id: record.ticket_id.map(TicketId::from_uuid),
            payout_id: record.payout_id.map(PayoutId::from_uuid),
            reference: record.reference,
            gross: money(figures.gross),
            tax: money(figures.tax),
            store_fee: money(figures.store_fee),
            provider_fee: money(figures.provider_fee),
            platform_fee: money(figures.platform_fee),
            co_hosts: money(figures.co_hosts),
            net: parts.net(),
            parts,
            terms: record.terms.map(|terms| SaleTerms::from(terms.0)),
        })
    }
}

impl TryFrom<TotalsRecord> for Totals {
    type Error = QueryError;

    fn try_from(record: TotalsRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_statements.lines", &record.currency);
        let currency = row.currency(&record.currency)?;
        let (figures, money) = (&record.figures, |minor| Money::new(minor, currency));
        Ok(Self {
            currency,
            sales: row.position("sales", record.sales)?,
            gross: money(figures.gross),
            tax: money(figures.tax),
            store_fee: money(figures.store_fee),
            provider_fee: money(figures.provider_fee),
            platform_fee: money(figures.platform_fee),
            co_hosts: money(figures.co_hosts),
            parts: figures.parts(currency),
        })
    }
}

impl From<Totals> for Balance {
    fn from(totals: Totals) -> Self {
        Self {
            currency: totals.currency,
            pending: totals.parts.pending,
            available: totals.parts.available,
            pending_payout: totals.parts.pending_payout,
            paid_out: totals.parts.paid_out,
            gross: totals.gross,
            taxes: totals.tax,
            store_fees: totals.store_fee,
            provider_fees: totals.provider_fee,
            platform_fees: totals.platform_fee,
            reserved: totals.parts.reserved,
            receivable: totals.parts.receivable,
        }
    }
}

impl TryFrom<RefundRecord> for RefundLine {
    type Error = QueryError;

    fn try_from(record: RefundRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_tickets.refunds", record.position);
        Ok(Self {
            position: row.position("position", record.position)?,
            at: record.at,
            refund_id: record.refund_id.map(RefundId::from_uuid),
            dispute: record.dispute,
            ticket_id: TicketId::from_uuid(record.ticket_id),
            room_id: RoomId::from_uuid(record.room_id),
            amount: row.money(record.amount_minor, &record.currency)?,
            reason: record.reason,
        })
    }
}
