//! The real binary over HTTP, with authentication, validation, idempotency and problem documents on, and the read models
//! and processes running beside it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Bench, Outcome, on_workers};
use crate::harness::{Goal, Rounds, Row, Sample, alternate};
use crate::load::{Office, timed};
use crate::peer::{Stock, Variant};
use crate::world::{Database, Kind, Report, Script, Shop, Wrk};

pub(super) const CONNECTIONS: usize = 64;
pub(super) const BUYERS: u64 = 20_000;
const WARM_UP: Duration = Duration::from_secs(1);
/// The default capacity of a room.
const SOLD_SEATS: u32 = 1_000;
/// The stock store's best: buyers one after the other.
const STOCK_HOT_CONNECTIONS: usize = 1;
const STOCK_POOL: u32 = 10;

const CONDITIONS: &str = "Real `boxoffice serve`, views and processes on, rate limits off; wrk on the same 2 cores.";
const PRETIX: &str = "Published for pretix on 2 cores, not run here";

/// Holds on one room: of buyers most of whom the shop has never seen, and then of the same ones once more.
pub(super) async fn holds(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let mut seen_before = Rounds::default();
    let rounds = alternate(
        bench.rounds(),
        async |_| {
            let database = seeded(bench, u32::MAX, 0).await?;
            let shop = Shop::ours(&bench.folder, &database, &[]).await?;
            let report = warm_and_run(bench, &shop, &script, CONNECTIONS).await?;
            let people = database.number("SELECT count(*) FROM people").await?;
            ensure!(
                people >= i64::try_from(BUYERS)?,
                "only {people} people have come by the end of the run: {report:?}"
            );
            let again = run(bench, &shop, &script, CONNECTIONS).await?;
            seen_before.ours.push(again.sample());
            let refused = report.refused + again.refused;
            ensure!(refused == 0, "{refused} holds were refused: {report:?}, {again:?}");
            shop.stop().await?;
            let held = database
                .number("SELECT count(*) FROM events WHERE event_type = 'seat_held'")
                .await?;
            let acknowledged = i64::try_from(report.requests + again.requests)?;
            ensure!(
                held >= acknowledged,
                "{acknowledged} holds acknowledged, {held} recorded"
            );
            bench.cluster.discard(database).await?;
            Ok(report.sample())
        },
        async |_| {
            let database = bench.cluster.fresh(Kind::Stock).await?;
            stock_room(&database, u32::MAX, 0).await?;
            let shop = Shop::stock(&database, Variant::Snapshots, STOCK_POOL).await?;
            let report = warm_and_run(bench, &shop, &script, STOCK_HOT_CONNECTIONS).await?;
            ensure!(report.refused == 0, "the stock store refused: {report:?}");
            shop.stop().await?;
            bench.cluster.discard(database).await?;
            Ok(report.sample())
        },
    )
    .await?;
    let goals = [Goal::AtLeast(25_000.0), Goal::P99AtMostMs(10.0)];
    let row = Row::new("holds over HTTP, one room, 64 connections", "holds/s", &rounds, &goals)
        .beside("stock store behind the shortest axum handler, snapshots, 1 connection")
        .note(format!(
            "{BUYERS} buyers, all new to the shop when the warm-up begins. {CONDITIONS} {PRETIX}: 21 holds/s on one event."
        ));
    let again = Row::new(
        "holds over HTTP by buyers the shop has seen, one room, 64 connections",
        "holds/s",
        &seen_before,
        &goals,
    )
    .note("The same server, right after the run above, of which each buyer had a part.");
    Ok(vec![row, again].into())
}

/// Refusals of a room that has no seat left.
pub(super) async fn sold_out(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let rounds = alternate(
        bench.rounds(),
        async |_| {
            let database = seeded(bench, SOLD_SEATS, u64::from(SOLD_SEATS)).await?;
            let shop = Shop::ours(&bench.folder, &database, &[]).await?;
            let sample = refusals(bench, &shop, &script).await?;
            shop.stop().await?;
            bench.cluster.discard(database).await?;
            Ok(sample)
        },
        async |_| {
            let database = bench.cluster.fresh(Kind::Stock).await?;
            stock_room(&database, SOLD_SEATS, u64::from(SOLD_SEATS)).await?;
            let shop = Shop::stock(&database, Variant::Snapshots, STOCK_POOL).await?;
            let sample = refusals(bench, &shop, &script).await?;
            shop.stop().await?;
            bench.cluster.discard(database).await?;
            Ok(sample)
        },
    )
    .await?;
    let row = Row::new(
        "\"sold out\" over HTTP, one room, 64 connections",
        "answers/s",
        &rounds,
        &[Goal::AtLeast(60_000.0)],
    )
    .beside("stock store behind the shortest axum handler, snapshots, 64 connections")
    .note(format!(
        "{CONDITIONS} A room of {SOLD_SEATS} seats, all held. {PRETIX}: 77/s."
    ));
    Ok(vec![row].into())
}

async fn refusals(bench: &Bench, shop: &Shop, script: &Script) -> Result<Sample> {
    let report = warm_and_run(bench, shop, script, CONNECTIONS).await?;
    ensure!(report.refused == report.requests, "a seat was sold twice: {report:?}");
    Ok(report.sample())
}

/// Runs the load once to warm up, and once to measure.
async fn warm_and_run(bench: &Bench, shop: &Shop, script: &Script, connections: usize) -> Result<Report> {
    Wrk::new(shop.url(), script, connections, WARM_UP).run().await?;
    run(bench, shop, script, connections).await
}

async fn run(bench: &Bench, shop: &Shop, script: &Script, connections: usize) -> Result<Report> {
    let report = Wrk::new(shop.url(), script, connections, bench.measured())
        .run()
        .await?;
    ensure!(report.lost == 0 && report.requests > 0, "wrk lost answers: {report:?}");
    Ok(report)
}

/// A database of ours with one room, `held` of whose seats are taken.
pub(super) async fn seeded(bench: &Bench, capacity: u32, held: u64) -> Result<Database> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    seed(&database, 1, capacity, held).await?;
    Ok(database)
}

/// Schedules rooms before the shop opens, and holds seats in them.
pub(super) async fn seed(database: &Database, rooms: u64, capacity: u32, held: u64) -> Result<()> {
    let database = database.clone();
    on_workers(1, async move || {
        let office = Office::open(&database).await?;
        office.schedule(rooms, capacity, 1_000).await?;
        if held > 0 {
            let mut course = timed(64, Duration::ZERO, Duration::from_mins(2));
            course.operations_max = held;
            office.hold(rooms, course).await.context("hold the seats beforehand")?;
        }
        office.close().await;
        Ok(())
    })
    .await
}

async fn stock_room(database: &Database, capacity: u32, held: u64) -> Result<()> {
    let database = database.clone();
    on_workers(1, async move || {
        let stock = Stock::new(database.pool(STOCK_POOL), Variant::Snapshots);
        stock.schedule(1, capacity).await?;
        if held > 0 {
            let mut course = timed(1, Duration::ZERO, Duration::from_mins(2));
            course.operations_max = held;
            stock.hold(1, course).await?;
        }
        stock.close().await;
        Ok(())
    })
    .await
}
