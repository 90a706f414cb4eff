//! How long the first command in a room of 10,000 sold seats waits for the room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateContext as _, EventStore as _};
use domain::ticket::TicketPhase;
use domain::{Room, RoomCommand, Ticket};
use event_log::{Clock as _, SystemClock};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use postgres_es::PostgresEventRepository;
use sqlx::{Connection, Executor as _};
use uuid::Uuid;

use super::{Bench, Outcome};
use crate::harness::{Goal, Rounds, Row, Sample, alternate, millis};
use crate::load::{Answer, Office, buyer_id, drive, fingerprint, hold, metadata, room_id, timed};
use crate::world::{Database, Kind};

const SEATS: u32 = 10_000;
/// Whole sales: a hold and a seat sold.
const EVENTS: i64 = 1 + 2 * SEATS as i64;
const PRICE_MINOR: i64 = 1_000;
const CLIENTS: usize = 256;
const POOL: u32 = 4;
/// As many as ours has.
const NEW_POOL: u32 = 8;
const WARM_UP: Duration = Duration::from_millis(500);
const SNAPSHOT_LIMIT: Duration = Duration::from_mins(1);
const STOCK: &str = "stock cqrs-es on postgres-es, the same rows";

pub(super) async fn cold_load(bench: &Bench) -> Result<Outcome> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let taken_at = sell_out(&database).await?;
    bench.cluster.run("CHECKPOINT").await?;
    let rounds = bench.rounds();
    let with = alternate(
        rounds,
        async |_| ours(&database).await,
        async |_| stock(&database).await,
    )
    .await?;
    let without = alternate(
        rounds,
        async |_| {
            // A load that found none asks for one.
            run(&database, "TRUNCATE snapshots").await?;
            ours(&database).await
        },
        async |_| stock(&database).await,
    )
    .await?;
    let new = alternate(
        rounds,
        async |round| new_streams(&database, bench.measured(), round).await,
        async |round| stock_new_streams(&database, bench.measured(), round).await,
    )
    .await?;
    bench.cluster.discard(database).await?;
    let row = |name: &str, rounds: &Rounds, goals: &[Goal]| Row::new(name, "ms", rounds, goals).beside(STOCK);
    let with = row("cold load of a room, 10,000 sold seats", &with, &[Goal::AtMost(50.0)]).note(format!(
        "From the start of the first read to its answer, on open connections. The snapshot is of event {taken_at} of {EVENTS}, as \
         the running shop left it."
    ));
    let without =
        row("cold load of the same room, no snapshot", &without, &[]).note(format!("All {EVENTS} events are folded."));
    let new = Row::new("cold loads of new streams, 256 at a time", "loads/s", &new, &[])
        .beside("stock cqrs-es on postgres-es, 8 connections")
        .note("What the first command on a ticket waits for: to know that its stream is empty. Ours on 8 connections too.");
    Ok(vec![with, without, new].into())
}

/// Streams that nobody has written yet, each looked at once.
async fn new_streams(database: &Database, measured: Duration, round: usize) -> Result<Sample> {
    let office = Office::open(database).await?;
    let tickets = office.aggregates.tickets.clone();
    let run = drive(timed(CLIENTS, WARM_UP, measured), move |number| {
        let tickets = tickets.clone();
        async move {
            let id = new_ticket(round, number);
            let (phase, _) = tickets.read(id, Ticket::phase).await?;
            ensure!(phase == TicketPhase::Unordered, "a new ticket is known");
            Ok(Answer::Done)
        }
    })
    .await;
    office.close().await;
    Ok(run?.sample())
}

async fn stock_new_streams(database: &Database, measured: Duration, round: usize) -> Result<Sample> {
    let pool = database.pool(NEW_POOL);
    let repository = PostgresEventRepository::new(pool.clone());
    let store = Arc::new(PersistedEventStore::<_, Ticket>::new_event_store(repository));
    let run = drive(timed(CLIENTS, WARM_UP, measured), move |number| {
        let store = Arc::clone(&store);
        async move {
            let mut context = store.load_aggregate(&new_ticket(round, number).to_string()).await?;
            let phase = context.aggregate().phase();
            ensure!(phase == TicketPhase::Unordered, "a new ticket is known");
            Ok(Answer::Done)
        }
    })
    .await;
    pool.close().await;
    Ok(run?.sample())
}

fn new_ticket(round: usize, number: u64) -> Uuid {
    buyer_id(((1_u64 << 40) + round as u64 * (1 << 32)) + number).as_uuid()
}

/// Sells every seat, and waits for the snapshots that follow by themselves. Returns which event the last one is of.
async fn sell_out(database: &Database) -> Result<i64> {
    let office = Office::open(database).await?;
    office.schedule(1, SEATS, PRICE_MINOR).await?;
    let (rooms, id) = (&office.aggregates.rooms, room_id(0).as_uuid());
    stream::iter(0..u64::from(SEATS))
        .map(|number| async move {
            let wish = hold(number, fingerprint());
            let (ticket_id, buyer) = (wish.ticket_id, wish.buyer);
            rooms.execute(id, RoomCommand::HoldSeat(wish), metadata(number)).await?;
            let at = SystemClock.now();
            let sell = RoomCommand::SellSeat { ticket_id, buyer, at };
            rooms.execute(id, sell, metadata(number)).await
        })
        .buffer_unordered(CLIENTS)
        .try_for_each(|_| async { Ok(()) })
        .await
        .context("sell the seats")?;
    let deadline = Instant::now() + SNAPSHOT_LIMIT;
    // A stream gets its next snapshot when it has grown by a quarter.
    while last_snapshot(database).await? * 5 < EVENTS * 4 {
        ensure!(Instant::now() < deadline, "there is no snapshot of the room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    office.close().await;
    last_snapshot(database).await
}

async fn last_snapshot(database: &Database) -> Result<i64> {
    database
        .number("SELECT coalesce(max(last_sequence), 0) FROM snapshots")
        .await
}

async fn run(database: &Database, statement: &str) -> Result<()> {
    let mut connection = database.connect().await?;
    connection.execute(statement).await?;
    connection.close().await?;
    Ok(())
}

async fn ours(database: &Database) -> Result<Sample> {
    let office = Office::open(database).await?;
    let rooms = &office.aggregates.rooms;
    rooms.read(room_id(1).as_uuid(), Room::sold_count).await?;
    let started = Instant::now();
    let (sold, _) = rooms.read(room_id(0).as_uuid(), Room::sold_count).await?;
    let elapsed = started.elapsed();
    office.close().await;
    ensure!(sold == SEATS, "{sold} seats are sold");
    Ok(Sample::plain(millis(u32::try_from(elapsed.as_micros())?)))
}

async fn stock(database: &Database) -> Result<Sample> {
    let pool = database.pool(POOL);
    let store = PersistedEventStore::<_, Room>::new_event_store(PostgresEventRepository::new(pool.clone()));
    store.load_aggregate(&room_id(1).to_string()).await?;
    let started = Instant::now();
    let mut context = store.load_aggregate(&room_id(0).to_string()).await?;
    let elapsed = started.elapsed();
    let sold = context.aggregate().sold_count();
    pool.close().await;
    ensure!(sold == SEATS, "{sold} seats are sold");
    Ok(Sample::plain(millis(u32::try_from(elapsed.as_micros())?)))
}
