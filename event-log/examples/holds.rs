//! Measures durable holds per second in process, beside raw `COPY BINARY` of the very same rows.
//!
//! `holds <database url> [rounds] [clients] [holds] [threads]`: each round fills fresh databases of the server at that
//! URL, once with one room, once with 1,000, and copies what was recorded into a third and a fourth one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chrono::{TimeDelta, Timelike as _};
use domain::room::{HoldSeat, ScheduleRoom};
use domain::{
    Channel, Currency, Fingerprint, Money, Preset, RefundPolicy, Room, RoomCommand, RoomId, TicketId, Timestamp, UserId,
};
use event_log::{Aggregates, Clock as _, EventLog, Executor, LogLimits, Metadata, PostgresLog, SystemClock};
use futures::StreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COPY_BATCH: usize = 1000;
const ROOMS: [u64; 2] = [1, 1000];

#[derive(Clone)]
struct Plan {
    server: PgConnectOptions,
    rounds: u64,
    clients: u64,
    holds: u64,
    threads: u64,
}

struct Measured {
    per_second: u64,
    p50: Duration,
    p99: Duration,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments
        .next()
        .context("the first argument is a database URL")?
        .parse()?;
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse());
    let plan = Plan {
        server,
        rounds: number(4)?,
        clients: number(256)?,
        holds: number(150_000)?,
        threads: number(2)?,
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(usize::try_from(plan.threads)?).enable_all();
    runtime.build()?.block_on(measure(&plan))
}

#[expect(clippy::print_stdout, reason = "a program for people who look at its figures")]
async fn measure(plan: &Plan) -> Result<()> {
    for rooms in ROOMS {
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        for round in 1..=plan.rounds {
            let (held, copied) = measure_round(plan, rooms).await?;
            println!(
                "{rooms} rooms, round {round}: {} holds/s (p50 {:?}, p99 {:?}), COPY {copied} rows/s",
                held.per_second, held.p50, held.p99
            );
            ours.push(held.per_second);
            raw.push(copied);
        }
        let (ours, raw) = (median(ours), median(raw));
        println!(
            "{rooms} rooms, median: {ours} holds/s, COPY {raw} rows/s, {} %",
            ours * 100 / raw
        );
    }
    Ok(())
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    let (low, high) = (figures.len().saturating_sub(1) / 2, figures.len() / 2);
    figures
        .get(low)
        .zip(figures.get(high))
        .map_or(0, |(low, high)| low.midpoint(*high))
}

async fn measure_round(plan: &Plan, rooms: u64) -> Result<(Measured, u64)> {
    let database = Database::create(&plan.server).await?;
    let held = hold_seats(plan, &database, rooms).await?;
    let rows = copy_out(&mut database.options.connect().await?).await?;
    database.remove().await?;
    let database = Database::create(&plan.server).await?;
    let copied = copy_in(&mut database.options.connect().await?, &rows).await?;
    database.remove().await?;
    Ok((held, copied))
}

/// A database of its own, with the migrations applied.
struct Database {
    server: PgConnectOptions,
    options: PgConnectOptions,
    name: String,
}

impl Database {
    async fn create(server: &PgConnectOptions) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("holds_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = server.connect().await?;
        connection.execute(&*format!("CREATE DATABASE {name}")).await?;
        // So that what the last round left to write is not written during this one.
        connection.execute("CHECKPOINT").await?;
        let options = server.clone().database(&name);
        sqlx::migrate!("../migrations")
            .run(&mut options.connect().await?)
            .await?;
        let server = server.clone();
        Ok(Self { server, options, name })
    }

    async fn remove(self) -> Result<()> {
        let mut connection = self.server.connect().await?;
        connection
            .execute(&*format!("DROP DATABASE {} WITH (FORCE)", self.name))
            .await?;
        Ok(())
    }
}

async fn hold_seats(plan: &Plan, database: &Database, rooms: u64) -> Result<Measured> {
    let pool: PgPool = PgPoolOptions::new().connect_with(database.options.clone()).await?;
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let log = PostgresLog::connect(
        database.options.clone(),
        pool.clone(),
        LogLimits::default(),
        &tracker,
        cancel.clone(),
    )
    .await?;
    let log: Arc<dyn EventLog> = log;
    let executor = Aggregates::new(&log).rooms;
    let now = SystemClock.now();
    for room in 0..rooms {
        let schedule = schedule(room, u32::try_from(plan.holds)?, now)?;
        executor.execute(room_id(room), schedule, metadata(0)).await?;
    }
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let clients: Vec<_> = (0..plan.clients)
        .map(|_| tracker.spawn(client(executor.clone(), Arc::clone(&next), plan.holds, rooms, now)))
        .collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.append(&mut client.await??);
    }
    let elapsed = started.elapsed();
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    let head = log.head().await?.position;
    ensure!(head == plan.holds + rooms, "{head} events of {} holds", plan.holds);
    pool.close().await;
    waits.sort_unstable();
    let rank = |per_cent| waits.get(waits.len() * per_cent / 100).copied().unwrap_or_default();
    Ok(Measured {
        per_second: per_second(waits.len(), elapsed),
        p50: rank(50),
        p99: rank(99),
    })
}

/// Holds one seat after the other, each when the one before is durable.
async fn client(
    rooms: Executor<Room>,
    next: Arc<AtomicU64>,
    holds: u64,
    room_count: u64,
    now: Timestamp,
) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        if nth >= holds {
            return Ok(waits);
        }
        let asked_at = Instant::now();
        let executed = rooms
            .execute(room_id(nth % room_count), hold(nth, now), metadata(nth))
            .await?;
        ensure!(executed.events.len() == 1, "a hold is one event");
        waits.push(asked_at.elapsed());
    }
}

fn per_second(count: usize, elapsed: Duration) -> u64 {
    let rate = count as u128 * 1_000_000_000 / elapsed.as_nanos().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// Spread over the key space in the order of time, as version 7 ids are.
fn id(kind: u64, nth: u64) -> Uuid {
    let time = ((0x0198_0000_0000 + nth / 64) << 16) | 0x7000 | (nth % 64);
    let random = ((nth ^ (kind << 48)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2) | (1 << 63);
    Uuid::from_u64_pair(time, random)
}

fn room_id(room: u64) -> Uuid {
    id(1, room)
}

fn metadata(nth: u64) -> Metadata {
    Metadata::for_actor(id(2, nth).to_string(), id(3, nth)).with_idempotency_key_sha256(format!("{nth:064x}"))
}

fn hold(nth: u64, now: Timestamp) -> RoomCommand {
    RoomCommand::HoldSeat(HoldSeat {
        ticket_id: TicketId::from_uuid(id(4, nth)),
        buyer: UserId::from_uuid(id(2, nth)),
        channel: Channel::Web,
        request: Fingerprint::of(&nth.to_be_bytes()),
        at: now,
    })
}

fn schedule(room: u64, capacity: u32, now: Timestamp) -> Result<RoomCommand> {
    let preset = Preset {
        capacity_max: capacity,
        ..Preset::open()
    };
    Ok(RoomCommand::Schedule(Box::new(ScheduleRoom {
        room_id: RoomId::from_uuid(room_id(room)),
        host: UserId::from_uuid(id(2, 0)),
        host_is_approved: true,
        title: "Jazz".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: now.with_nanosecond(0).context("a second has a start")? + TimeDelta::days(1),
        planned_minutes: 60,
        price: Money::new(1_000, Currency::EUR),
        capacity,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: 1,
        hold_seconds: 900,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        preset,
        request: Fingerprint::of(b"room"),
        at: now,
    })))
}

/// The recorded rows as `COPY BINARY` speaks them, ready to be sent batch by batch.
async fn copy_out(connection: &mut PgConnection) -> Result<Vec<Vec<u8>>> {
    const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    const TRAILER: &[u8] = b"\xff\xff";
    let query = "COPY (SELECT * FROM events ORDER BY position) TO STDOUT (FORMAT binary)";
    let mut chunks = connection.copy_out_raw(query).await?;
    // PostgreSQL sends each row in a message of its own; the header comes with the first.
    let mut batches = Vec::new();
    let mut batch = HEADER.to_vec();
    let mut count = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        let row = chunk.strip_prefix(HEADER).unwrap_or(&chunk);
        if row.is_empty() || row == TRAILER {
            continue;
        }
        batch.extend_from_slice(row);
        count += 1;
        if count == COPY_BATCH {
            batch.extend_from_slice(TRAILER);
            batches.push(std::mem::replace(&mut batch, HEADER.to_vec()));
            count = 0;
        }
    }
    // A last batch that is not full would only blur the figure.
    Ok(batches)
}

async fn copy_in(connection: &mut PgConnection, batches: &[Vec<u8>]) -> Result<u64> {
    connection.execute("SET ROLE boxoffice_sequencer").await?;
    let started = Instant::now();
    let mut rows = 0;
    for batch in batches {
        let mut copy = connection.copy_in_raw("COPY events FROM STDIN (FORMAT binary)").await?;
        copy.send(batch.as_slice()).await?;
        rows += copy.finish().await?;
    }
    let elapsed = started.elapsed();
    let rows = usize::try_from(rows)?;
    ensure!(rows == batches.len() * COPY_BATCH, "{rows} rows were copied");
    Ok(per_second(rows, elapsed))
}
