//! Statements and totals of hosts, gathered over a page.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::BTreeMap;

use domain::payout::EarningCredited;
use domain::{Money, PayoutId, Timestamp, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::DisputeStep;
use super::{Standing, StatementKind};

/// A host appears with the first event of the account; an application after the approval changes nothing.
const HOSTS: &str = "
    INSERT INTO hosts AS known (host, standing, destination, created_position, position)
    SELECT host, coalesce(standing, 'none'), destination, first_position, last_position
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
        AS page (host, standing, destination, first_position, last_position)
    ON CONFLICT (host) DO UPDATE SET
        standing = CASE WHEN known.standing = 'approved' OR excluded.standing = 'none'
            THEN known.standing ELSE excluded.standing END,
        destination = coalesce(excluded.destination, known.destination),
        position = excluded.position";

const LINES: &str = "
    INSERT INTO statement_lines (position, host, at, kind, room_id, ticket_id, payout_id, currency, gross, tax, store_fee,
        provider_fee, platform_fee, net)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
        $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])";

const TOTALS: &str = "
    INSERT INTO balances AS total (host, currency, available, pending_payout, paid_out, gross, taxes, store_fees,
        provider_fees, platform_fees, reserved, receivable)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
    ON CONFLICT (host, currency) DO UPDATE SET
        available = total.available + excluded.available,
        pending_payout = total.pending_payout + excluded.pending_payout,
        paid_out = total.paid_out + excluded.paid_out,
        gross = total.gross + excluded.gross,
        taxes = total.taxes + excluded.taxes,
        store_fees = total.store_fees + excluded.store_fees,
        provider_fees = total.provider_fees + excluded.provider_fees,
        platform_fees = total.platform_fees + excluded.platform_fees,
        reserved = total.reserved + excluded.reserved,
        receivable = total.receivable + excluded.receivable";

/// A line of the statement, with what it does to the host's totals.
pub(super) struct Line {
    host: UserId,
    at: Timestamp,
    kind: StatementKind,
    room: Option<Uuid>,
    ticket: Option<Uuid>,
    payout: Option<Uuid>,
    currency: &'static str,
    gross: i64,
    tax: i64,
    store_fee: i64,
    provider_fee: i64,
    platform_fee: i64,
    /// On the available balance.
    net: i64,
    pending: i64,
    paid: i64,
    reserved: i64,
    receivable: i64,
}

impl Line {
    pub(super) fn of_earning(host: UserId, earning: &EarningCredited) -> Self {
        let netted = earning.netted.map_or(0, Money::amount_minor);
        Self {
            host,
            at: earning.credited_at,
            kind: StatementKind::Earning,
            room: Some(earning.room_id.as_uuid()),
            ticket: Some(earning.ticket_id.as_uuid()),
            payout: None,
            currency: earning.host_share.currency().code(),
            gross: earning.gross.amount_minor(),
            tax: earning.tax.map_or(0, |tax| tax.amount.amount_minor()),
            store_fee: earning.store_fee.map_or(0, Money::amount_minor),
            provider_fee: earning.provider_fee.amount_minor(),
            platform_fee: earning.platform_fee.amount_minor(),
            net: earning.host_share.amount_minor().saturating_sub(netted),
            pending: 0,
            paid: 0,
            reserved: 0,
            receivable: -netted,
        }
    }

    pub(super) fn of_payout(host: UserId, kind: StatementKind, payout: PayoutId, amount: Money, at: Timestamp) -> Self {
        let minor = amount.amount_minor();
        let (net, pending, paid) = match kind {
            StatementKind::PayoutRequested => (-minor, minor, 0),
            StatementKind::PayoutPaid => (0, -minor, minor),
            StatementKind::PayoutFailed => (minor, -minor, 0),
            StatementKind::Earning
            | StatementKind::DisputeHeld
            | StatementKind::DisputeReleased
            | StatementKind::DisputeReversed => (0, 0, 0),
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
            tax: 0,
            store_fee: 0,
            provider_fee: 0,
            platform_fee: 0,
            net,
            pending,
            paid,
            reserved: 0,
            receivable: 0,
        }
    }

    pub(super) fn of_dispute(host: UserId, step: DisputeStep<'_>) -> Self {
        let (kind, ticket, currency, at, [net, reserved, receivable]) = match step {
            DisputeStep::Held(held) => {
                let minor = held.amount.amount_minor();
                let moved = [-minor, minor, 0];
                (
                    StatementKind::DisputeHeld,
                    held.ticket_id,
                    held.amount.currency(),
                    held.at,
                    moved,
                )
            }
            DisputeStep::Released(held) => {
                let minor = held.amount.amount_minor();
                let moved = [minor, -minor, 0];
                (
                    StatementKind::DisputeReleased,
                    held.ticket_id,
                    held.amount.currency(),
                    held.at,
                    moved,
                )
            }
            DisputeStep::Reversed(back) => {
                let parts = [back.from_available, back.from_reserve, back.receivable].map(Money::amount_minor);
                let moved = [-parts[0], -parts[1], parts[2]];
                let currency = back.receivable.currency();
                (
                    StatementKind::DisputeReversed,
                    back.ticket_id,
                    currency,
                    back.reversed_at,
                    moved,
                )
            }
        };
        Self {
            host,
            at,
            kind,
            room: None,
            ticket: Some(ticket.as_uuid()),
            payout: None,
            currency: currency.code(),
            gross: 0,
            tax: 0,
            store_fee: 0,
            provider_fee: 0,
            platform_fee: 0,
            net,
            pending: 0,
            paid: 0,
            reserved,
            receivable,
        }
    }
}

/// What a page does to the accounts.
#[derive(Default)]
pub(super) struct Accounts {
    hosts: BTreeMap<Uuid, HostFold>,
    lines: Vec<(i64, Line)>,
    totals: BTreeMap<(Uuid, &'static str), [i64; 10]>,
}

pub(super) struct HostFold {
    standing: Option<Standing>,
    pub(super) destination: Option<String>,
    first_position: i64,
    last_position: i64,
}

impl HostFold {
    pub(super) fn stand(&mut self, standing: Standing) {
        if self.standing != Some(Standing::Approved) {
            self.standing = Some(standing);
        }
    }
}

impl Accounts {
    pub(super) fn touch(&mut self, host: UserId, position: i64) -> &mut HostFold {
        let host = self.hosts.entry(host.as_uuid()).or_insert(HostFold {
            standing: None,
            destination: None,
            first_position: position,
            last_position: position,
        });
        host.last_position = position;
        host
    }

    pub(super) fn record(&mut self, line: Line, position: i64) {
        self.touch(line.host, position);
        let total = self.totals.entry((line.host.as_uuid(), line.currency)).or_default();
        let change = [
            line.net,
            line.pending,
            line.paid,
            line.gross,
            line.tax,
            line.store_fee,
            line.provider_fee,
            line.platform_fee,
            line.reserved,
            line.receivable,
        ];
        for (sum, amount) in total.iter_mut().zip(change) {
            // Amounts are bounded far below 2^63 by the presets; PostgreSQL refuses a sum that is not.
            *sum = sum.saturating_add(amount);
        }
        self.lines.push((position, line));
    }

    pub(super) async fn write(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.hosts.is_empty() {
            return Ok(());
        }
        let (ids, hosts) = (self.hosts.keys(), self.hosts.values());
        sqlx::query(HOSTS)
            .bind(ids.copied().collect::<Vec<Uuid>>())
            .bind(
                hosts
                    .clone()
                    .map(|host| host.standing.map(Standing::as_str))
                    .collect::<Vec<Option<&str>>>(),
            )
            .bind(
                hosts
                    .clone()
                    .map(|host| host.destination.as_deref())
                    .collect::<Vec<Option<&str>>>(),
            )
            .bind(hosts.clone().map(|host| host.first_position).collect::<Vec<i64>>())
            .bind(hosts.map(|host| host.last_position).collect::<Vec<i64>>())
            .execute(&mut *tables)
            .await?;
        if self.lines.is_empty() {
            return Ok(());
        }
        self.write_lines(tables).await?;
        self.write_totals(tables).await
    }

    async fn write_lines(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        let lines = self.lines.iter().map(|(_, line)| line);
        sqlx::query(LINES)
            .bind(self.lines.iter().map(|(position, _)| *position).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.host.as_uuid()).collect::<Vec<Uuid>>())
            .bind(lines.clone().map(|line| line.at).collect::<Vec<Timestamp>>())
            .bind(lines.clone().map(|line| line.kind.as_str()).collect::<Vec<&str>>())
            .bind(lines.clone().map(|line| line.room).collect::<Vec<Option<Uuid>>>())
            .bind(lines.clone().map(|line| line.ticket).collect::<Vec<Option<Uuid>>>())
            .bind(lines.clone().map(|line| line.payout).collect::<Vec<Option<Uuid>>>())
            .bind(lines.clone().map(|line| line.currency).collect::<Vec<&str>>())
            .bind(lines.clone().map(|line| line.gross).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.tax).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.store_fee).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.provider_fee).collect::<Vec<i64>>())
            .bind(lines.clone().map(|line| line.platform_fee).collect::<Vec<i64>>())
            .bind(lines.map(|line| line.net).collect::<Vec<i64>>())
            .execute(tables)
            .await?;
        Ok(())
    }

    async fn write_totals(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        let column = |nth: usize| {
            self.totals
                .values()
                .map(|sums| sums.get(nth).copied().unwrap_or(0))
                .collect::<Vec<i64>>()
        };
        sqlx::query(TOTALS)
            .bind(self.totals.keys().map(|(host, _)| *host).collect::<Vec<Uuid>>())
            .bind(self.totals.keys().map(|(_, currency)| *currency).collect::<Vec<&str>>())
            .bind(column(0))
            .bind(column(1))
            .bind(column(2))
            .bind(column(3))
            .bind(column(4))
            .bind(column(5))
            .bind(column(6))
            .bind(column(7))
            .bind(column(8))
            .bind(column(9))
            .execute(tables)
            .await?;
        Ok(())
    }
}
