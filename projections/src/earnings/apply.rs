//! Writes the accounts of hosts.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::payout::EarningCredited;
use domain::{Money, PayoutId, Timestamp, UserId};
use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::{EarningsChange, PayoutOutcome, evolve};
use super::{PayoutState, Standing, StatementKind};
use crate::ApplyError;
use crate::convert::{bigint, text};

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    for recorded in page {
        if let Some(change) = evolve(recorded) {
            execute(change, bigint(recorded.position), tables).await?;
        }
    }
    Ok(())
}

async fn execute(change: EarningsChange<'_>, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    match change {
        EarningsChange::Stand { host, standing } => touch_host(host, Some(standing), None, position, tables).await,
        EarningsChange::LinkDestination { host, destination } => {
            touch_host(host, None, Some(destination), position, tables).await
        }
        EarningsChange::Credit { host, earning } => credit(host, earning, position, tables).await,
        EarningsChange::RequestPayout {
            host,
            payout,
            amount,
            at,
        } => request_payout(host, payout, amount, at, position, tables).await,
        EarningsChange::SendPayout { host, payout, at } => {
            touch_host(host, None, None, position, tables).await?;
            move_payout(payout, PayoutState::Sent, None, at, position, tables).await
        }
        EarningsChange::FinishPayout {
            host,
            payout,
            amount,
            outcome,
            at,
        } => {
            let (state, kind, reason) = match outcome {
                PayoutOutcome::Paid => (PayoutState::Paid, StatementKind::PayoutPaid, None),
                PayoutOutcome::Failed { reason } => (PayoutState::Failed, StatementKind::PayoutFailed, Some(reason)),
            };
            touch_host(host, None, None, position, tables).await?;
            move_payout(payout, state, reason, at, position, tables).await?;
            let line = Line::of_payout(host, kind, payout, amount, at);
            record(&line, position, tables).await
        }
    }
}

/// A line of the statement, with what it does to the host's totals.
struct Line {
    host: UserId,
    at: Timestamp,
    kind: StatementKind,
    room: Option<Uuid>,
    ticket: Option<Uuid>,
    payout: Option<Uuid>,
    currency: &'static str,
    gross: i64,
    provider_fee: i64,
    platform_fee: i64,
    /// On the available balance.
    net: i64,
    pending: i64,
    paid: i64,
}

impl Line {
    fn of_earning(host: UserId, earning: &EarningCredited) -> Self {
        Self {
            host,
            at: earning.credited_at,
            kind: StatementKind::Earning,
            room: Some(earning.room_id.as_uuid()),
            ticket: Some(earning.ticket_id.as_uuid()),
            payout: None,
            currency: earning.host_share.currency().code(),
            gross: earning.gross.amount_minor(),
            provider_fee: earning.provider_fee.amount_minor(),
            platform_fee: earning.platform_fee.amount_minor(),
            net: earning.host_share.amount_minor(),
            pending: 0,
            paid: 0,
        }
    }

    fn of_payout(host: UserId, kind: StatementKind, payout: PayoutId, amount: Money, at: Timestamp) -> Self {
        let minor = amount.amount_minor();
        let (net, pending, paid) = match kind {
            StatementKind::PayoutRequested => (-minor, minor, 0),
            StatementKind::PayoutPaid => (0, -minor, minor),
            StatementKind::PayoutFailed => (minor, -minor, 0),
            StatementKind::Earning => (0, 0, 0),
        };
        Self {
            host,
            at,
            kind,
            room: None,
            ticket: None,
            payout: Some(payout.as_uuid()),
            currency: amount.currency().code(),
            gross: 0,
            provider_fee: 0,
            platform_fee: 0,
            net,
            pending,
            paid,
        }
    }
}

/// A host appears with the first event of the account; an application after the approval changes nothing.
async fn touch_host(
    host: UserId,
    standing: Option<Standing>,
    destination: Option<&str>,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let upsert = "
        INSERT INTO hosts AS known (host, standing, destination, created_position, position)
        VALUES ($1, coalesce($2, 'none'), $3, $4, $4)
        ON CONFLICT (host) DO UPDATE SET
            standing = CASE known.standing WHEN 'approved' THEN known.standing ELSE coalesce($2, known.standing) END,
            destination = coalesce($3, known.destination),
            position = $4";
    sqlx::query(upsert)
        .bind(host.as_uuid())
        .bind(standing.map(Standing::as_str))
        .bind(destination.map(text))
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn credit(
    host: UserId,
    earning: &EarningCredited,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    touch_host(host, None, None, position, tables).await?;
    record(&Line::of_earning(host, earning), position, tables).await
}

async fn request_payout(
    host: UserId,
    payout: PayoutId,
    amount: Money,
    at: Timestamp,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    touch_host(host, None, None, position, tables).await?;
    let insert = "
        INSERT INTO payouts (payout_id, host, amount_minor, currency, state, requested_at, updated_at, created_position, position)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7)";
    sqlx::query(insert)
        .bind(payout.as_uuid())
        .bind(host.as_uuid())
        .bind(amount.amount_minor())
        .bind(amount.currency().code())
        .bind(PayoutState::Requested.as_str())
        .bind(at)
        .bind(position)
        .execute(&mut *tables)
        .await?;
    let line = Line::of_payout(host, StatementKind::PayoutRequested, payout, amount, at);
    record(&line, position, tables).await
}

async fn move_payout(
    payout: PayoutId,
    state: PayoutState,
    reason: Option<&str>,
    at: Timestamp,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let update = "UPDATE payouts SET state = $2, reason = $3, updated_at = $4, position = $5 WHERE payout_id = $1";
    sqlx::query(update)
        .bind(payout.as_uuid())
        .bind(state.as_str())
        .bind(reason.map(text))
        .bind(at)
        .bind(position)
        .execute(tables)
        .await?;
    Ok(())
}

async fn record(line: &Line, position: i64, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let insert = "
        INSERT INTO statement_lines (position, host, at, kind, room_id, ticket_id, payout_id, currency, gross,
            provider_fee, platform_fee, net)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    sqlx::query(insert)
        .bind(position)
        .bind(line.host.as_uuid())
        .bind(line.at)
        .bind(line.kind.as_str())
        .bind(line.room)
        .bind(line.ticket)
        .bind(line.payout)
        .bind(line.currency)
        .bind(line.gross)
        .bind(line.provider_fee)
        .bind(line.platform_fee)
        .bind(line.net)
        .execute(&mut *tables)
        .await?;
    let total = "
        INSERT INTO balances AS total (host, currency, available, pending_payout, paid_out, gross, provider_fees, platform_fees)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (host, currency) DO UPDATE SET
            available = total.available + $3,
            pending_payout = total.pending_payout + $4,
            paid_out = total.paid_out + $5,
            gross = total.gross + $6,
            provider_fees = total.provider_fees + $7,
            platform_fees = total.platform_fees + $8";
    sqlx::query(total)
        .bind(line.host.as_uuid())
        .bind(line.currency)
        .bind(line.net)
        .bind(line.pending)
        .bind(line.paid)
        .bind(line.gross)
        .bind(line.provider_fee)
        .bind(line.platform_fee)
        .execute(tables)
        .await?;
    Ok(())
}
