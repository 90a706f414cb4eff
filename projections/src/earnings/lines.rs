//! Statements and totals of hosts, gathered over a page.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::BTreeMap;

use domain::payout::{EarningCredited, HeldEarning, Later, ShareCredited};
use domain::{Currency, Money, PayoutId, Timestamp, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::StatementKind;
use super::evolve::{DisputeStep, MoveStep};

/// A host appears with the first event of the account.
const HOSTS: &str = "
    INSERT INTO hosts AS known (host, destination, created_position, position)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT (host) DO UPDATE SET
        destination = coalesce(excluded.destination, known.destination),
        position = excluded.position";

const LINES: &str = "
    INSERT INTO statement_lines (position, host, at, kind, room_id, ticket_id, payout_id, currency, gross, tax, store_fee,
        provider_fee, platform_fee, net)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
        $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])";

const TOTALS: &str = "
    INSERT INTO balances AS total (host, currency, available, pending_payout, paid_out, gross, taxes, store_fees,
        provider_fees, platform_fees, reserved, receivable, pending)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
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
        receivable = total.receivable + excluded.receivable,
        pending = total.pending + excluded.pending";

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
    moved: Moved,
}

/// What becomes more or less.
#[derive(Default)]
struct Moved {
    available: i64,
    pending: i64,
    on_its_way: i64,
    paid: i64,
    reserved: i64,
    receivable: i64,
}

impl Moved {
    fn into_places(share: Money, netted: Option<Money>, pending: Option<Later>, reserved: Option<Later>) -> Self {
        let netted = netted.map_or(0, Money::amount_minor);
        let [pending, reserved] = [pending, reserved].map(|part| part.map_or(0, |later| later.amount.amount_minor()));
        let elsewhere = [netted, pending, reserved];
        Self {
            available: elsewhere.into_iter().fold(share.amount_minor(), i64::saturating_sub),
            pending,
            reserved,
            receivable: -netted,
            ..Self::default()
        }
    }
}

impl Line {
    /// A line that is about no sale.
    fn new(host: UserId, kind: StatementKind, currency: Currency, at: Timestamp, moved: Moved) -> Self {
        Self {
            host,
            at,
            kind,
            room: None,
            ticket: None,
            payout: None,
            currency: currency.code(),
            gross: 0,
            tax: 0,
            store_fee: 0,
            provider_fee: 0,
            platform_fee: 0,
            moved,
        }
    }

    pub(super) fn of_earning(host: UserId, earning: &EarningCredited) -> Self {
        let own = earning.own_share();
        let moved = Moved::into_places(own, earning.netted, earning.pending, earning.reserved);
        let currency = earning.host_share.currency();
        Self {
            room: Some(earning.room_id.as_uuid()),
            ticket: Some(earning.ticket_id.as_uuid()),
            gross: earning.gross.amount_minor(),
            tax: earning.tax.map_or(0, |tax| tax.amount.amount_minor()),
            store_fee: earning.store_fee.map_or(0, Money::amount_minor),
            provider_fee: earning.provider_fee.amount_minor(),
            platform_fee: earning.platform_fee.amount_minor(),
            ..Self::new(host, StatementKind::Earning, currency, earning.credited_at, moved)
        }
    }

    /// A part of another host's sale: what buyers paid for it is that host's figure.
    pub(super) fn of_share(user: UserId, share: &ShareCredited) -> Self {
        let moved = Moved::into_places(share.share, share.netted, share.pending, share.reserved);
        Self {
            room: Some(share.room_id.as_uuid()),
            ticket: Some(share.ticket_id.as_uuid()),
            ..Self::new(
                user,
                StatementKind::Share,
                share.share.currency(),
                share.credited_at,
                moved,
            )
        }
    }

    pub(super) fn of_payout(host: UserId, kind: StatementKind, payout: PayoutId, amount: Money, at: Timestamp) -> Self {
        let minor = amount.amount_minor();
        let [available, on_its_way, paid] = match kind {
            StatementKind::PayoutRequested => [-minor, minor, 0],
            StatementKind::PayoutPaid => [0, -minor, minor],
            StatementKind::PayoutFailed => [minor, -minor, 0],
            StatementKind::PayoutReturned => [minor, 0, -minor],
            StatementKind::Earning
            | StatementKind::Share
            | StatementKind::PayoutRolledOver
            | StatementKind::DisputeHeld
            | StatementKind::DisputeReleased
            | StatementKind::DisputeReversed
            | StatementKind::EarningsMatured
            | StatementKind::ReserveReleased
            | StatementKind::ReceivableNetted => [0, 0, 0],
        };
        let moved = Moved {
            available,
            on_its_way,
            paid,
            ..Moved::default()
        };
        Self {
            payout: Some(payout.as_uuid()),
            ..Self::new(host, kind, amount.currency(), at, moved)
        }
    }

    pub(super) fn of_move(host: UserId, step: MoveStep, amount: Money, at: Timestamp) -> Self {
        let minor = amount.amount_minor();
        let (kind, available, pending, reserved, receivable) = match step {
            MoveStep::Matured => (StatementKind::EarningsMatured, minor, -minor, 0, 0),
            MoveStep::ReserveReleased => (StatementKind::ReserveReleased, minor, 0, -minor, 0),
            MoveStep::RolledOver => (StatementKind::PayoutRolledOver, 0, 0, 0, 0),
            MoveStep::Netted => (StatementKind::ReceivableNetted, -minor, 0, 0, -minor),
        };
        let moved = Moved {
            available,
            pending,
            reserved,
            receivable,
            ..Moved::default()
        };
        Self::new(host, kind, amount.currency(), at, moved)
    }

    pub(super) fn of_dispute(host: UserId, step: DisputeStep<'_>) -> Self {
        match step {
            DisputeStep::Held(held) => Self::of_hold(host, StatementKind::DisputeHeld, held, 1),
            DisputeStep::Released(held) => Self::of_hold(host, StatementKind::DisputeReleased, held, -1),
            DisputeStep::Reversed(back) => {
                let or_none = |part: Option<Money>| part.map_or(0, Money::amount_minor);
                let rolling = or_none(back.from_rolling_reserve);
                let moved = Moved {
                    available: -back.from_available.amount_minor(),
                    pending: -or_none(back.from_pending),
                    reserved: -back.from_reserve.amount_minor().saturating_add(rolling),
                    receivable: back.receivable.amount_minor(),
                    ..Moved::default()
                };
                let (kind, currency) = (StatementKind::DisputeReversed, back.receivable.currency());
                Self {
                    ticket: Some(back.ticket_id.as_uuid()),
                    ..Self::new(host, kind, currency, back.reversed_at, moved)
                }
            }
        }
    }

    /// 1 to hold, -1 to let go.
    fn of_hold(host: UserId, kind: StatementKind, held: &HeldEarning, sign: i64) -> Self {
        let all = held.amount.amount_minor();
        let pending = held.pending.map_or(0, Money::amount_minor);
        let moved = Moved {
            available: all.saturating_sub(pending).saturating_mul(-sign),
            pending: pending.saturating_mul(-sign),
            reserved: all.saturating_mul(sign),
            ..Moved::default()
        };
        Self {
            ticket: Some(held.ticket_id.as_uuid()),
            ..Self::new(host, kind, held.amount.currency(), held.at, moved)
        }
    }
}

/// What a page does to the accounts.
#[derive(Default)]
pub(super) struct Accounts {
    hosts: BTreeMap<Uuid, HostFold>,
    lines: Vec<(i64, Line)>,
    totals: BTreeMap<(Uuid, &'static str), [i64; 11]>,
}

pub(super) struct HostFold {
    pub(super) destination: Option<String>,
    first_position: i64,
    last_position: i64,
}

impl Accounts {
    pub(super) fn touch(&mut self, host: UserId, position: i64) -> &mut HostFold {
        let host = self.hosts.entry(host.as_uuid()).or_insert(HostFold {
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
            line.moved.available,
            line.moved.on_its_way,
            line.moved.paid,
            line.gross,
            line.tax,
            line.store_fee,
            line.provider_fee,
            line.platform_fee,
            line.moved.reserved,
            line.moved.receivable,
            line.moved.pending,
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
            .bind(lines.map(|line| line.moved.available).collect::<Vec<i64>>())
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
            .bind(column(10))
            .execute(tables)
            .await?;
        Ok(())
    }
}
