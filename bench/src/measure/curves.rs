//! How cost grows: with rooms, with seats per room, with the length of the log, and with clients.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::http::{BUYERS, seeded};
use super::{Bench, Outcome, on_workers};
use crate::harness::{Curve, Sample, millis};
use crate::load::{Course, Office, Run, fill, timed};
use crate::world::{Database, Kind, Script, Shop, Wrk};

const CLIENTS: usize = 256;
const WARM_UP: Duration = Duration::from_millis(300);

pub(super) async fn curves(bench: &Bench) -> Result<Outcome> {
    Ok(Outcome {
        rows: vec![],
        curves: vec![
            by_rooms(bench).await?,
            by_seats(bench).await?,
            by_length(bench).await?,
            by_clients(bench).await?,
            by_connections(bench).await?,
        ],
    })
}

fn measured(bench: &Bench) -> Duration {
    bench.pick(Duration::from_secs(1), Duration::from_secs(5))
}

async fn by_rooms(bench: &Bench) -> Result<Curve> {
    let mut points = Vec::new();
    for rooms in [1, 10, 100, 1_000, 10_000] {
        let run = fresh(bench, rooms, timed(CLIENTS, WARM_UP, measured(bench))).await?;
        points.push(point(whole(rooms), &run.sample()));
    }
    Ok(curve(
        "Rooms (in process, 256 clients)",
        &["rooms", "holds/s", "p50 ms", "p99 ms"],
        points,
        "Buyers spread evenly over the rooms. One hot room is no slower than many.",
    ))
}

/// The same room, fuller and fuller: what a hold costs there, and what it costs to load the room.
async fn by_seats(bench: &Bench) -> Result<Curve> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let mut points = Vec::new();
    let mut taken = 0;
    for seats in [100, 1_000, 10_000, 50_000, 100_000] {
        let (sample, cold) = on_workers(1, {
            let database = database.clone();
            async move || fuller(&database, taken, seats).await
        })
        .await?;
        taken = seats + FEW + 1;
        points.push(vec![
            whole(seats),
            sample.value,
            sample.p50_ms.unwrap_or(0.0),
            sample.p99_ms.unwrap_or(0.0),
            cold,
        ]);
    }
    bench.cluster.discard(database).await?;
    Ok(curve(
        "Seats taken in the room (in process, 64 clients)",
        &[
            "seats",
            "holds/s",
            "p50 ms",
            "p99 ms",
            "first hold after a cold start, ms",
        ],
        points,
        "2,000 holds in a room that is so full; then the log is opened anew and one hold is made, which loads the room.",
    ))
}

/// Holds that are measured in a room of a known size.
const FEW: u64 = 2_000;

/// Fills the one room from `taken` to `seats`, measures there, and then from cold.
async fn fuller(database: &Database, taken: u64, seats: u64) -> Result<(Sample, f64)> {
    let office = Office::open(database).await?;
    if taken == 0 {
        office.schedule(1, u32::MAX, 1_000).await?;
    }
    let minute = timed(CLIENTS, Duration::ZERO, Duration::from_mins(1));
    let filling = Course {
        operations_max: seats.saturating_sub(taken),
        ..minute
    };
    office.hold_from(taken, 1, filling).await?;
    let few = Course {
        operations_max: FEW,
        clients: 64,
        ..minute
    };
    let run = office.hold_from(seats.max(taken), 1, few).await?;
    office.close().await;
    let office = Office::open(database).await?;
    let started = Instant::now();
    let one = Course {
        operations_max: 1,
        clients: 1,
        ..minute
    };
    office.hold_from(seats.max(taken) + FEW, 1, one).await?;
    let cold = millis(u32::try_from(started.elapsed().as_micros())?);
    office.close().await;
    Ok((run.sample(), cold))
}

async fn by_length(bench: &Bench) -> Result<Curve> {
    let mut points = Vec::new();
    let lengths: &[u64] = bench.pick(
        &[1_000, 10_000, 50_000, 150_000, 500_000],
        &[1_000, 10_000, 100_000, 1_000_000, 3_000_000, 10_000_000],
    );
    for &length in lengths {
        let database = bench.cluster.fresh(Kind::Boxoffice).await?;
        fill(&database, length).await?;
        bench.cluster.run("CHECKPOINT").await?;
        let course = timed(CLIENTS, WARM_UP, measured(bench));
        let (run, cold) = on_workers(1, {
            let database = database.clone();
            async move || {
                let started = Instant::now();
                let office = Office::open(&database).await?;
                let cold = millis(u32::try_from(started.elapsed().as_micros())?);
                let run = office.hold_from(u64::MAX / 16, 1, course).await?;
                office.close().await;
                Ok((run, cold))
            }
        })
        .await?;
        bench.cluster.discard(database).await?;
        let mut cells = point(whole(length), &run.sample());
        cells.push(cold);
        points.push(cells);
    }
    Ok(curve(
        "Length of the log (in process, one room, 256 clients)",
        &["events before", "holds/s", "p50 ms", "p99 ms", "opening the log, ms"],
        points,
        "One run of each, on a log that was filled by COPY a moment ago.",
    ))
}

async fn by_clients(bench: &Bench) -> Result<Curve> {
    let mut points = Vec::new();
    for clients in [1, 4, 16, 64, 256, 1_024] {
        let run = fresh(bench, 1, timed(clients, WARM_UP, measured(bench))).await?;
        points.push(point(whole(u64::try_from(clients)?), &run.sample()));
    }
    Ok(curve(
        "Clients (in process, one room)",
        &["clients", "holds/s", "p50 ms", "p99 ms"],
        points,
        "A closed loop: each client waits for its durable answer.",
    ))
}

async fn by_connections(bench: &Bench) -> Result<Curve> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let mut points = Vec::new();
    for connections in [1, 8, 64, 256, 1_024] {
        let database = seeded(bench, u32::MAX, 0).await?;
        let shop = Shop::ours(&bench.folder, &database, &[]).await?;
        Wrk::new(shop.url(), &script, connections, Duration::from_secs(1))
            .run()
            .await?;
        let report = Wrk::new(shop.url(), &script, connections, measured(bench))
            .run()
            .await?;
        shop.stop().await?;
        bench.cluster.discard(database).await?;
        let mut cells = point(whole(u64::try_from(connections)?), &report.sample());
        cells.push(whole(u64::try_from(report.refused)?));
        points.push(cells);
    }
    Ok(curve(
        "Connections (over HTTP, one room, wrk)",
        &["connections", "answers/s", "p50 ms", "p99 ms", "turned away (503)"],
        points,
        "The load generator works on the same cores.",
    ))
}

async fn fresh(bench: &Bench, rooms: u64, course: Course) -> Result<Run> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let run = on_workers(1, {
        let database = database.clone();
        async move || {
            let office = Office::open(&database).await?;
            office.schedule(rooms, u32::MAX, 1_000).await?;
            let run = office.hold(rooms, course).await?;
            office.close().await;
            Ok(run)
        }
    })
    .await?;
    bench.cluster.discard(database).await?;
    Ok(run)
}

fn point(at: f64, sample: &Sample) -> Vec<f64> {
    vec![
        at,
        sample.value,
        sample.p50_ms.unwrap_or(0.0),
        sample.p99_ms.unwrap_or(0.0),
    ]
}

fn whole(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn curve(name: &str, heads: &[&str], points: Vec<Vec<f64>>, note: &str) -> Curve {
    Curve {
        name: name.to_owned(),
        heads: heads.iter().map(|head| (*head).to_owned()).collect(),
        points,
        note: note.to_owned(),
    }
}
