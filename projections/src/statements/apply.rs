//! Writes the lines of statements, a page at a time.
#![expect(clippy::disallowed_methods, reason = "a view's tables are named by the search path")]

use std::borrow::Cow;
use std::sync::Arc;

use domain::Timestamp;
use domain::shop::DaySealed;
use event_log::Recorded;
use sqlx::PgConnection;
use uuid::Uuid;

use super::evolve::{Division, Line, Movement, StatementChange, evolve};
use crate::ApplyError;
use crate::convert::{bigint, text};

const LINES: &str = "
    INSERT INTO lines (host, position, at, kind, room_id, ticket_id, payout_id, reference, currency, gross, tax, store_fee,
        provider_fee, platform_fee, co_hosts, pending, available, pending_payout, paid_out, reserved, receivable)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[],
        $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
        $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
        $20::bigint[], $21::bigint[])";

const PAYOUTS: &str = "
    INSERT INTO payouts (payout_id, reference, sent_position)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])";

pub(crate) async fn apply(page: &[Arc<Recorded>], tables: &mut PgConnection) -> Result<(), ApplyError> {
    let mut lines = vec![];
    let mut named: Vec<(Uuid, Cow<'_, str>, i64)> = vec![];
    for recorded in page {
        match evolve(&recorded.event) {
            Some(StatementChange::Line(line)) => lines.push((recorded.as_ref(), line)),
            Some(StatementChange::NamePayout { payout, reference }) => {
                named.push((payout.as_uuid(), text(reference), bigint(recorded.position)));
            }
            // Few, and written one by one.
            Some(StatementChange::SealDay(day)) => write_day(day, bigint(recorded.position), tables).await?,
            None => {}
        }
    }
    if !lines.is_empty() {
        write_lines(&lines, tables).await?;
    }
    if !named.is_empty() {
        sqlx::query(PAYOUTS)
            .bind(named.iter().map(|(payout, ..)| *payout).collect::<Vec<Uuid>>())
            .bind(named.iter().map(|(_, name, _)| name.as_ref()).collect::<Vec<&str>>())
            .bind(named.iter().map(|(.., position)| *position).collect::<Vec<i64>>())
            .execute(tables)
            .await?;
    }
    Ok(())
}

async fn write_day(day: &DaySealed, position: i64, tables: &mut PgConnection) -> Result<(), ApplyError> {
    sqlx::query("INSERT INTO days (date, position, sealed) VALUES ($1, $2, $3)")
        .bind(day.date)
        .bind(position)
        .bind(serde_json::to_value(day)?)
        .execute(tables)
        .await?;
    Ok(())
}

type Written<'a> = (&'a Recorded, Box<Line<'a>>);

async fn write_lines(lines: &[Written<'_>], tables: &mut PgConnection) -> Result<(), sqlx::Error> {
    let references: Vec<Option<Cow<'_, str>>> = lines.iter().map(|(_, line)| line.reference.map(text)).collect();
    let of_sale = |part: fn(&Division) -> i64| column(lines, |line| part(&line.sale));
    let moved = |part: fn(&Movement) -> i64| column(lines, |line| part(&line.movement));
    sqlx::query(LINES)
        .bind(column(lines, |line| line.host.as_uuid()))
        .bind(
            lines
                .iter()
                .map(|(cause, _)| bigint(cause.position))
                .collect::<Vec<i64>>(),
        )
        .bind(
            lines
                .iter()
                .map(|(cause, _)| cause.recorded_at)
                .collect::<Vec<Timestamp>>(),
        )
        .bind(column(lines, |line| line.kind.as_str()))
        .bind(column(lines, |line| line.room.map(|room| room.as_uuid())))
        .bind(column(lines, |line| line.ticket.map(|ticket| ticket.as_uuid())))
        .bind(column(lines, |line| line.payout.map(|payout| payout.as_uuid())))
        .bind(references.iter().map(Option::as_deref).collect::<Vec<Option<&str>>>())
        .bind(column(lines, |line| line.currency.code()))
        .bind(of_sale(|sale| sale.gross))
        .bind(of_sale(|sale| sale.tax))
        .bind(of_sale(|sale| sale.store_fee))
        .bind(of_sale(|sale| sale.provider_fee))
        .bind(of_sale(|sale| sale.platform_fee))
        .bind(of_sale(|sale| sale.co_hosts))
        .bind(moved(|movement| movement.pending))
        .bind(moved(|movement| movement.available))
        .bind(moved(|movement| movement.pending_payout))
        .bind(moved(|movement| movement.paid_out))
        .bind(moved(|movement| movement.reserved))
        .bind(moved(|movement| movement.receivable))
        .execute(tables)
        .await?;
    Ok(())
}

fn column<T>(lines: &[Written<'_>], value: impl Fn(&Line<'_>) -> T) -> Vec<T> {
    lines.iter().map(|(_, line)| value(line)).collect()
}
