//! What can be asked about the accounts of hosts.
#![expect(clippy::disallowed_methods, reason = "the tables of a view are made at run time")]

use domain::{Channel, FailedFact, HostFacts, PayoutId, Timestamp, UserId};
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::{Balance, HostRow, PayoutRow, Standing, Suspension, TermsRow};
use crate::QueryError;
use crate::convert::{RowOf, before};

#[derive(FromRow)]
struct HostRecord {
    host: Uuid,
    standing: Option<String>,
    reason: Option<String>,
    decided_at: Option<Timestamp>,
    failed: Option<Json<Vec<FailedFact>>>,
    applied: Option<Json<HostFacts>>,
    stated: Option<Json<HostFacts>>,
    channels: Option<Json<Vec<Channel>>>,
    suspended_at: Option<Timestamp>,
    suspension_reason: Option<String>,
    terms_sha256: Option<String>,
    terms_accepted_at: Option<Timestamp>,
    destination: Option<String>,
    created_position: i64,
    position: i64,
    balances: Json<Vec<BalanceRecord>>,
}

#[derive(Deserialize)]
struct BalanceRecord {
    currency: String,
    available: i64,
    pending: i64,
    pending_payout: i64,
    paid_out: i64,
    gross: i64,
    taxes: i64,
    store_fees: i64,
    provider_fees: i64,
    platform_fees: i64,
    reserved: i64,
    receivable: i64,
}

#[derive(FromRow)]
struct PayoutRecord {
    payout_id: Uuid,
    host: Uuid,
    amount_minor: i64,
    currency: String,
    state: String,
    reason: Option<String>,
    requested_at: Timestamp,
    updated_at: Timestamp,
    created_position: i64,
    position: i64,
}

const SELECT_HOST: &str = "
    SELECT h.host, s.standing, s.reason, s.decided_at, s.failed, s.applied, s.stated, s.channels, s.suspended_at,
        s.suspension_reason, s.terms_sha256, s.terms_accepted_at, h.destination, h.created_position, h.position,
        (SELECT coalesce(jsonb_agg(to_jsonb(b) ORDER BY b.currency), '[]')
            FROM view_earnings.balances b WHERE b.host = h.host) AS balances
    FROM view_earnings.hosts h LEFT JOIN view_earnings.standings s ON s.host = h.host ";

const SELECT_PAYOUT: &str = "
    SELECT payout_id, host, amount_minor, currency, state, reason, requested_at, updated_at, created_position, position
    FROM view_earnings.payouts ";

/// A host's account; absent until the first event of it.
pub async fn find_account(pool: &PgPool, host: UserId) -> Result<Option<HostRow>, QueryError> {
    let record: Option<HostRecord> = sqlx::query_as(&format!("{SELECT_HOST} WHERE h.host = $1"))
        .bind(host.as_uuid())
        .fetch_optional(pool)
        .await?;
    record.map(HostRow::try_from).transpose()
}

/// Hosts, the latest first; `after` is the `created_position` of the last one seen.
pub async fn list_hosts(
    pool: &PgPool,
    standing: Option<Standing>,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<HostRow>, QueryError> {
    let page = "
        WHERE h.created_position < $1 AND ($2::text IS NULL
            OR $2 = CASE WHEN s.suspended_at IS NOT NULL THEN 'suspended' ELSE coalesce(s.standing, 'none') END)
        ORDER BY h.created_position DESC LIMIT $3";
    let records: Vec<HostRecord> = sqlx::query_as(&format!("{SELECT_HOST} {page}"))
        .bind(before(after))
        .bind(standing.map(Standing::as_str))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(HostRow::try_from).collect()
}

pub async fn find_payout(pool: &PgPool, payout: PayoutId) -> Result<Option<PayoutRow>, QueryError> {
    let record: Option<PayoutRecord> = sqlx::query_as(&format!("{SELECT_PAYOUT} WHERE payout_id = $1"))
        .bind(payout.as_uuid())
        .fetch_optional(pool)
        .await?;
    record.map(PayoutRow::try_from).transpose()
}

/// A host's payouts, the latest first; `after` is the `created_position` of the last one seen.
pub async fn list_payouts(
    pool: &PgPool,
    host: UserId,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<PayoutRow>, QueryError> {
    let page = "WHERE host = $1 AND created_position < $2 ORDER BY created_position DESC LIMIT $3";
    let records: Vec<PayoutRecord> = sqlx::query_as(&format!("{SELECT_PAYOUT} {page}"))
        .bind(host.as_uuid())
        .bind(before(after))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    records.into_iter().map(PayoutRow::try_from).collect()
}

impl TryFrom<HostRecord> for HostRow {
    type Error = QueryError;

    fn try_from(record: HostRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_earnings.hosts", record.host);
        let balances = record.balances.0.iter().map(|balance| balance_of(&row, balance));
        let standing = match (record.suspended_at, record.standing) {
            (Some(_), _) => Standing::Suspended,
            (None, Some(standing)) => row.fit("standing", standing.parse())?,
            (None, None) => Standing::None,
        };
        let suspension = record.suspended_at.zip(record.suspension_reason);
        let terms = record.terms_sha256.map(|hash| row.fit("terms_sha256", hash.parse()));
        let terms = terms.transpose()?.zip(record.terms_accepted_at);
        let [applied, stated] = [record.applied, record.stated].map(|facts| facts.unwrap_or_default().0);
        Ok(Self {
            host: UserId::from_uuid(record.host),
            standing,
            reason: record.reason,
            decided_at: record.decided_at,
            failed: record.failed.unwrap_or_default().0,
            facts: applied.with_stated(&stated),
            channels: record.channels.unwrap_or_default().0,
            suspension: suspension.map(|(since, reason)| Suspension { reason, since }),
            terms: terms.map(|(sha256, accepted_at)| TermsRow { sha256, accepted_at }),
            destination: record.destination,
            balances: balances.collect::<Result<_, _>>()?,
            created_position: row.position("created_position", record.created_position)?,
            position: row.position("position", record.position)?,
        })
    }
}

fn balance_of(row: &RowOf<Uuid>, record: &BalanceRecord) -> Result<Balance, QueryError> {
    let money = |minor| row.money(minor, &record.currency);
    Ok(Balance {
        currency: row.currency(&record.currency)?,
        available: money(record.available)?,
        pending: money(record.pending)?,
        pending_payout: money(record.pending_payout)?,
        paid_out: money(record.paid_out)?,
        gross: money(record.gross)?,
        taxes: money(record.taxes)?,
        store_fees: money(record.store_fees)?,
        provider_fees: money(record.provider_fees)?,
        platform_fees: money(record.platform_fees)?,
        reserved: money(record.reserved)?,
        receivable: money(record.receivable)?,
    })
}

impl TryFrom<PayoutRecord> for PayoutRow {
    type Error = QueryError;

    fn try_from(record: PayoutRecord) -> Result<Self, QueryError> {
        let row = RowOf::new("view_earnings.payouts", record.payout_id);
        Ok(Self {
            payout_id: PayoutId::from_uuid(record.payout_id),
            host: UserId::from_uuid(record.host),
            amount: row.money(record.amount_minor, &record.currency)?,
            state: row.fit("state", record.state.parse())?,
            reason: record.reason,
            requested_at: record.requested_at,
            updated_at: record.updated_at,
            created_position: row.position("created_position", record.created_position)?,
            position: row.position("position", record.position)?,
        })
    }
}
