//! Writes the accounts of hosts.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::sync::Arc;

use domain::{Money, PayoutId, Timestamp, UserId};
use event_log::Recorded;
use sqlx::PgConnection;

use super::accounts::Accounts;
use super::evolve::{EarningsChange, PayoutOutcome, evolve};
use super::{PayoutState, standings};
use crate::ApplyError;
use crate::convert::{bigint, text};
use crate::statements::{self, StatementChange};

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut accounts = Accounts::default();
    for recorded in page {
        if let Some(change) = evolve(&recorded.event) {
            execute(change, bigint(recorded.position), &mut accounts, tables).await?;
        }
        if let Some(StatementChange::Line(line)) = statements::evolve(&recorded.event) {
            accounts.record(&line);
        }
    }
    accounts.write(tables).await?;
    Ok(())
}

/// Hosts and totals are gathered by the page; payouts are few, and written one by one.
async fn execute(
    change: EarningsChange<'_>,
    position: i64,
    accounts: &mut Accounts,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    match change {
        EarningsChange::Stand { host, event } => {
            accounts.touch(host, position);
            standings::write(host, event, tables).await?;
        }
        EarningsChange::Touch { host } => {
            accounts.touch(host, position);
        }
        EarningsChange::LinkDestination { host, destination } => {
            accounts.touch(host, position).destination = Some(text(destination).into_owned());
        }
        EarningsChange::RequestPayout {
            host,
            payout,
            amount,
            at,
        } => {
            accounts.touch(host, position);
            request_payout(host, payout, amount, at, position, tables).await?;
        }
        EarningsChange::SendPayout { host, payout, at } => {
            accounts.touch(host, position);
            move_payout(payout, PayoutState::Sent, None, at, position, tables).await?;
        }
        EarningsChange::FinishPayout {
            host,
            payout,
            outcome,
            at,
        } => {
            let (state, reason) = match outcome {
                PayoutOutcome::Paid => (PayoutState::Paid, None),
                PayoutOutcome::Failed { reason } => (PayoutState::Failed, Some(reason)),
                PayoutOutcome::Returned { reason } => (PayoutState::Returned, Some(reason)),
            };
            accounts.touch(host, position);
            move_payout(payout, state, reason, at, position, tables).await?;
        }
    }
    Ok(())
}

async fn request_payout(
    host: UserId,
    payout: PayoutId,
    amount: Money,
    at: Timestamp,
    position: i64,
    tables: &mut PgConnection,
) -> Result<(), sqlx::Error> {
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
        .execute(tables)
        .await?;
    Ok(())
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
