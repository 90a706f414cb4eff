//! The on-sale: everybody wants a seat in the same minute, and most get none.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::http::seeded;
use super::{Bench, Outcome};
use crate::harness::{Goal, Rounds, Row, Sample, figure, per_second, seconds};
use crate::world::{Script, Shop, Wrk};

const SEATS: u32 = 10_000;
const TRIES: usize = 1_000_000;
const CONNECTIONS: usize = 2_000;
const BUYERS: u64 = 100_000;
const LIMIT: Duration = Duration::from_mins(2);

pub(super) async fn on_sale(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let database = seeded(bench, SEATS, 0).await?;
    let shop = Shop::ours(&bench.folder, &database, &[]).await?;
    let idle_mb = shop.memory_mb()?;
    let wrk = Wrk {
        quota: Some(TRIES),
        ..Wrk::new(shop.url(), &script, CONNECTIONS, LIMIT)
    };
    let report = wrk.run().await?;
    let after_mb = shop.memory_mb()?;
    shop.stop().await?;
    let held = database
        .number("SELECT count(*) FROM events WHERE event_type = 'seat_held'")
        .await?;
    let answered: usize = report.statuses.values().sum();
    let (won, lost_out, shed) = (report.status(201), report.status(409), report.status(503));
    ensure!(
        answered == TRIES && report.lost == 0,
        "{TRIES} tries, {answered} answers, {} lost: {report:?}",
        report.lost
    );
    ensure!(
        held == i64::from(SEATS) && won == usize::try_from(SEATS)?,
        "{SEATS} seats, {won} holds acknowledged, {held} recorded"
    );
    bench.cluster.discard(database).await?;
    let sample = Sample {
        value: seconds(report.elapsed()),
        ..report.sample()
    };
    let tries = figure(per_second(TRIES, report.elapsed()));
    let note = format!(
        "{TRIES} tries from {CONNECTIONS} connections by {BUYERS} buyers, {tries}/s: {won} answered 201, {lost_out} 409 \
         sold out, {shed} 503; none unanswered. {held} holds in the log by SQL. wrk counts every answer, which costs it \
         time. Published for pretix on 2 cores, not run here: 77 sold-out answers/s at best, so 3.6 hours."
    );
    let row = Row::new(
        "on-sale: 10,000 seats, 1,000,000 tries, 2,000 connections",
        "seconds",
        &Rounds::single(sample),
        &[],
    )
    .note(note);
    let holds = Row::new(
        "on-sale: holds made",
        "holds",
        &Rounds::single(Sample::plain(held_figure(held))),
        &[Goal::AtLeast(f64::from(SEATS)), Goal::AtMost(f64::from(SEATS))],
    );
    let memory = Row::new(
        "memory of the server after the on-sale",
        "MB",
        &Rounds::single(Sample::plain(f64::from(after_mb))),
        &[],
    )
    .note(format!("{idle_mb} MB before it, idle."));
    Ok(vec![row, holds, memory].into())
}

fn held_figure(held: i64) -> f64 {
    f64::from(i32::try_from(held).unwrap_or(i32::MAX))
}
