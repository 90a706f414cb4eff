//! Hosts and their totals, gathered over a page.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::collections::BTreeMap;

use domain::UserId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::statements::{Division, Line, Movement};

/// A host appears with the first event of the account.
const HOSTS: &str = "
    INSERT INTO hosts AS known (host, destination, created_position, position)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT (host) DO UPDATE SET
        destination = coalesce(excluded.destination, known.destination),
        position = excluded.position";

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

/// What a page does to the accounts.
#[derive(Default)]
pub(super) struct Accounts {
    hosts: BTreeMap<Uuid, HostFold>,
    totals: BTreeMap<(Uuid, &'static str), Sums>,
}

pub(super) struct HostFold {
    pub(super) destination: Option<String>,
    first_position: i64,
    last_position: i64,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    sale: Division,
    movement: Movement,
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

    /// What a line of the host's statement says, adds to the totals.
    pub(super) fn record(&mut self, line: &Line<'_>) {
        let account = (line.host.as_uuid(), line.currency.code());
        let sums = self.totals.entry(account).or_default();
        sums.sale.add(line.sale);
        sums.movement.add(line.movement);
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
        if self.totals.is_empty() {
            return Ok(());
        }
        self.write_totals(tables).await
    }

    async fn write_totals(&self, tables: &mut PgConnection) -> Result<(), sqlx::Error> {
        let column = |part: fn(&Sums) -> i64| self.totals.values().map(part).collect::<Vec<i64>>();
        sqlx::query(TOTALS)
            .bind(self.totals.keys().map(|(host, _)| *host).collect::<Vec<Uuid>>())
            .bind(self.totals.keys().map(|(_, currency)| *currency).collect::<Vec<&str>>())
            .bind(column(|sums| sums.movement.available))
            .bind(column(|sums| sums.movement.pending_payout))
            .bind(column(|sums| sums.movement.paid_out))
            .bind(column(|sums| sums.sale.gross))
            .bind(column(|sums| sums.sale.tax))
            .bind(column(|sums| sums.sale.store_fee))
            .bind(column(|sums| sums.sale.provider_fee))
            .bind(column(|sums| sums.sale.platform_fee))
            .bind(column(|sums| sums.movement.reserved))
            .bind(column(|sums| sums.movement.receivable))
            .bind(column(|sums| sums.movement.pending))
            .execute(tables)
            .await?;
        Ok(())
    }
}
