//! Durable holds in this process: one room, and a thousand.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Bench, Outcome, on_workers};
use crate::harness::{Goal, Rounds, Row, Sample, alternate, figure};
use crate::load::{Course, Office, Run, timed};
use crate::peer::{Rows, Stock, Variant};
use crate::world::{Database, Kind};

const CLIENTS: usize = 256;
const ROOMS: u64 = 1_000;
const WARM_UP: Duration = Duration::from_millis(500);
/// One worker thread leaves the other core to PostgreSQL's backend.
const OUR_WORKERS: usize = 1;
const STOCK_WORKERS: usize = 2;
/// The stock store gets slower with every seat: it is measured on the first ones.
const STOCK_SEATS: u64 = 2_000;
const STOCK_LIMIT: Duration = Duration::from_secs(5);
const SWEEP_LIMIT: Duration = Duration::from_secs(2);
/// Rows that are copied in a round.
const COPIED_ROWS: usize = 200_000;

/// One way to run the stock store.
#[derive(Clone, Copy, Debug)]
struct Setup {
    variant: Variant,
    clients: usize,
    connections: u32,
}

const fn setup(variant: Variant, clients: usize, connections: u32) -> Setup {
    Setup {
        variant,
        clients,
        connections,
    }
}

const HOT_SETUPS: &[Setup] = &[
    setup(Variant::Events, 1, 10),
    setup(Variant::Snapshots, 1, 10),
    setup(Variant::Snapshots, 8, 10),
    setup(Variant::Snapshots, 64, 10),
];

const WIDE_SETUPS: &[Setup] = &[
    setup(Variant::Events, 8, 8),
    setup(Variant::Events, 64, 10),
    setup(Variant::Events, 256, 10),
    setup(Variant::Snapshots, 64, 32),
];

impl Setup {
    fn name(self) -> String {
        let kind = match self.variant {
            Variant::Events => "events",
            Variant::Snapshots => "snapshots",
        };
        format!("{kind}, {} clients, pool {}", self.clients, self.connections)
    }

    const fn course(self, limit: Duration) -> Course {
        timed(self.clients, Duration::ZERO, limit)
    }
}

/// One room, beside the stock store and beside raw `COPY` of the same rows.
pub(super) async fn hot_room(bench: &Bench) -> Result<Outcome> {
    let (best, sweep) = sweep(bench, HOT_SETUPS, 1, STOCK_SEATS).await?;
    let mut beside_stock = Rounds::default();
    let mut beside_copy = Rounds::default();
    let course = Course {
        operations_max: STOCK_SEATS,
        ..best.course(STOCK_LIMIT)
    };
    let mut rows = None;
    for round in 0..bench.rounds() {
        // The order changes from round to round; the rows to copy are those of the last round of ours.
        for side in [round % 3, (round + 1) % 3, (round + 2) % 3] {
            match (side, &rows) {
                (1, _) => beside_stock.peer.push(stock(bench, 1, best, course).await?.sample()),
                (2, Some(rows)) => beside_copy.peer.push(copy(bench, rows).await?),
                _ => {
                    let (sample, recorded) = ours(bench, 1).await?;
                    beside_stock.ours.push(sample);
                    beside_copy.ours.push(sample);
                    rows = Some(recorded);
                }
            }
        }
    }
    let name = "holds in process, one room, 256 clients";
    let goals = [Goal::AtLeast(80_000.0), Goal::RatioAtLeast(150.0)];
    let first = Row::new(name, "holds/s", &beside_stock, &goals)
        .beside(&format!("stock, {}, the first {STOCK_SEATS} seats", best.name()))
        .note(format!("No projections beside it. Sweep of stock: {sweep}."));
    let second = Row::new(
        "the same beside raw COPY",
        "rows/s",
        &beside_copy,
        &[Goal::RatioAtLeast(1.0)],
    )
    .beside("COPY BINARY of the rows ours recorded, same table, 1 connection, 1,000 a commit")
    .note("A hold is one row.");
    Ok(vec![first, second].into())
}

pub(super) async fn thousand_rooms(bench: &Bench) -> Result<Outcome> {
    let (best, sweep) = sweep(bench, WIDE_SETUPS, ROOMS, u64::MAX).await?;
    let rounds = alternate(
        bench.rounds(),
        async |_| Ok(ours(bench, ROOMS).await?.0),
        async |_| Ok(stock(bench, ROOMS, best, best.course(bench.measured())).await?.sample()),
    )
    .await?;
    let row = Row::new(
        "holds in process, 1,000 rooms, 256 clients",
        "holds/s",
        &rounds,
        &[Goal::RatioAtLeast(15.0)],
    )
    .beside(&format!("stock, {}", best.name()))
    .note(format!("No projections beside it. Sweep of stock: {sweep}."));
    Ok(vec![row].into())
}

/// A round of ours, and the first rows it recorded.
async fn ours(bench: &Bench, rooms: u64) -> Result<(Sample, Rows)> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let course = timed(CLIENTS, WARM_UP, bench.measured());
    let run = on_workers(OUR_WORKERS, {
        let database = database.clone();
        async move || {
            let office = Office::open(&database).await?;
            office.schedule(rooms, u32::MAX, 1_000).await?;
            let run = office.hold(rooms, course).await?;
            office.close().await;
            Ok(run)
        }
    })
    .await
    .context("holds of ours")?;
    check(&database, rooms + run.operations).await?;
    let rows = Rows::read(&database, COPIED_ROWS).await?;
    bench.cluster.discard(database).await?;
    Ok((run.sample(), rows))
}

/// Every acknowledged hold is in the log, once, without a gap.
async fn check(database: &Database, expected: u64) -> Result<()> {
    let events = database.number("SELECT count(*) FROM events").await?;
    let head = database.number("SELECT max(position) FROM events").await?;
    let tickets = "SELECT count(DISTINCT payload->>'ticket_id') - count(payload->>'ticket_id') FROM events";
    let doubled = database.number(tickets).await?;
    ensure!(
        u64::try_from(events) == Ok(expected) && head == events && doubled == 0,
        "{expected} acknowledged, {events} recorded, the last at {head}, {doubled} twice"
    );
    Ok(())
}

async fn stock(bench: &Bench, rooms: u64, setup: Setup, course: Course) -> Result<Run> {
    let database = bench.cluster.fresh(Kind::Stock).await?;
    let run = on_workers(STOCK_WORKERS, {
        let database = database.clone();
        async move || {
            let stock = Stock::new(database.pool(setup.connections), setup.variant);
            stock.schedule(rooms, u32::MAX).await?;
            let run = stock.hold(rooms, course).await?;
            stock.close().await;
            Ok(run)
        }
    })
    .await
    .context("holds of the stock store")?;
    bench.cluster.discard(database).await?;
    Ok(run)
}

/// The stock store's best setup of these, and what each came to.
async fn sweep(bench: &Bench, setups: &[Setup], rooms: u64, seats: u64) -> Result<(Setup, String)> {
    let mut best: Option<(Setup, f64)> = None;
    let mut texts = Vec::new();
    for &setup in setups {
        let course = Course {
            operations_max: seats,
            ..setup.course(SWEEP_LIMIT)
        };
        let run = stock(bench, rooms, setup, course).await?;
        let (rate, conflicts) = (run.sample().value, run.conflicts / run.operations.max(1));
        texts.push(format!(
            "{} {}/s, {conflicts} conflicts a hold",
            setup.name(),
            figure(rate)
        ));
        if best.is_none_or(|(_, other)| rate > other) {
            best = Some((setup, rate));
        }
    }
    let (best, _) = best.context("no setup of the stock store")?;
    Ok((best, texts.join("; ")))
}

async fn copy(bench: &Bench, rows: &Rows) -> Result<Sample> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let sample = rows.write(&database).await.context("copy the rows")?;
    bench.cluster.discard(database).await?;
    Ok(sample)
}
