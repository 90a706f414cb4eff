//! Snapshots save time and decide nothing: with one, without one, with a wrong one, a stream has the same state.

use std::sync::Arc;

use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{AggregateContext as _, EventStore as _};
use domain::Room;
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use uuid::Uuid;

use super::hall::{Hall, HallCommand, sell};
use super::subscriptions::rooms;
use super::support::*;
use crate::hot::{Memo, Wish};
use crate::postgres::keep_snapshot;
use crate::{EventLog, ExecuteError, Executor, LoadFrom, LogLimits, MemoryLog, Snapshot, StreamId};

const ID: Uuid = Uuid::from_u128(7);
const OTHER: Uuid = Uuid::from_u128(8);
const FORMAT: LoadFrom = LoadFrom::Snapshot { format: 1 };

fn hall(id: Uuid) -> StreamId {
    StreamId {
        aggregate_type: "hall",
        aggregate_id: Arc::from(id.to_string()),
    }
}

fn seldom() -> LogLimits {
    LogLimits {
        snapshot_every: u64::MAX / 2,
        ..LogLimits::default()
    }
}

async fn sell_seats(halls: &Executor<Hall>, id: Uuid, seats: u64) {
    let command = HallCommand::Sell { seats, of: u64::MAX };
    halls.execute(id, command, metadata()).await.unwrap();
}

/// Ten seats sold, a snapshot taken, five more sold.
async fn with_snapshot(pool: &PgPool) {
    with_snapshot_before(pool, 5).await;
}

/// Ten seats sold, a snapshot taken, more sold. Each sale says all there is to know of a hall: after one, nobody can tell what
/// the state began with.
async fn with_snapshot_before(pool: &PgPool, seats: u64) {
    let opened = Opened::with(pool, seldom()).await;
    let halls = Executor::new(opened.port());
    sell_seats(&halls, ID, 10).await;
    let snapshot = snapshot(opened.log.as_ref(), ID).await.unwrap();
    assert_eq!(
        (snapshot.last_sequence, &*snapshot.payload),
        (10, &br#"{"sold":10}"#[..])
    );
    assert!(keep_snapshot(pool, &hall(ID), &snapshot).await.unwrap());
    sell_seats(&halls, ID, seats).await;
    opened.close().await;
}

async fn snapshot(log: &dyn EventLog, id: Uuid) -> Option<Snapshot> {
    Wish::new::<Hall>(hall(id))
        .fulfil(log, usize::MAX, &mut Memo::default())
        .await
        .unwrap()
}

/// Where the snapshot was taken that a load gets, and how many events come after it.
async fn found(opened: &Opened, id: Uuid) -> (Option<u64>, usize) {
    let stored = opened.log.load(&hall(id), FORMAT).await.unwrap();
    let taken_at = stored.snapshot.map(|sealed| sealed.snapshot.last_sequence);
    (taken_at, stored.events.len())
}

/// After a fault: what a load gets, and that the hall goes on where it was all the same.
async fn goes_on(pool: &PgPool, expected: (Option<u64>, usize), sold: u64) {
    let opened = Opened::with(pool, seldom()).await;
    assert_eq!(found(&opened, ID).await, expected);
    let halls: Executor<Hall> = Executor::new(opened.port());
    assert_eq!(halls.read(ID, |hall| hall.sold).await.unwrap(), (sold, sold));
    assert_eq!(halls.execute(ID, sell(), metadata()).await.unwrap().position, sold + 1);
    assert_eq!(halls.read(ID, |hall| hall.sold).await.unwrap().0, sold + 1);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_begins_at_its_snapshot(pool: PgPool) {
    with_snapshot(&pool).await;
    goes_on(&pool, (Some(10), 5), 15).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stock_snapshot_store_loads_ours(pool: PgPool) {
    with_snapshot(&pool).await;
    let repository = || PostgresEventRepository::new(pool.clone());
    let id = ID.to_string();
    let snapshots = PersistedEventStore::<_, Hall>::new_snapshot_store(repository(), 100);
    let whole = PersistedEventStore::<_, Hall>::new_event_store(repository());
    let mut resumed = snapshots.load_aggregate(&id).await.unwrap();
    let mut folded = whole.load_aggregate(&id).await.unwrap();
    assert_eq!((resumed.current_snapshot, resumed.current_sequence), (Some(1), 15));
    assert_eq!(resumed.aggregate(), folded.aggregate());
    assert_eq!(resumed.aggregate().sold, 15);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_table_may_be_emptied(pool: PgPool) {
    with_snapshot(&pool).await;
    sql(&pool, "TRUNCATE snapshots").await.unwrap();
    goes_on(&pool, (None, 15), 15).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_changed_state_is_not_believed(pool: PgPool) {
    with_snapshot_before(&pool, 0).await;
    sql(&pool, r#"UPDATE snapshots SET payload = '{"sold":3}'"#)
        .await
        .unwrap();
    // It fits the log; its seal tells.
    goes_on(&pool, (Some(10), 0), 10).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_state_that_cannot_be_read_is_not_used(pool: PgPool) {
    with_snapshot(&pool).await;
    let opened = Opened::with(&pool, seldom()).await;
    let mut snapshot = opened
        .log
        .load(&hall(ID), FORMAT)
        .await
        .unwrap()
        .snapshot
        .unwrap()
        .snapshot;
    snapshot.payload = br#"{"seats":"many"}"#.to_vec();
    assert!(keep_snapshot(&pool, &hall(ID), &snapshot).await.unwrap());
    opened.close().await;
    goes_on(&pool, (Some(10), 5), 15).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_stream_s_snapshot_is_not_believed(pool: PgPool) {
    with_snapshot(&pool).await;
    let opened = Opened::with(&pool, seldom()).await;
    let halls = Executor::new(opened.port());
    sell_seats(&halls, OTHER, 12).await;
    opened.close().await;
    let moved = format!(
        "INSERT INTO snapshots
        SELECT 'hall', '{OTHER}', e.sequence, 1, s.payload, s.format, e.position, e.hash, s.seal
        FROM snapshots AS s, events AS e WHERE e.aggregate_id = '{OTHER}' AND e.sequence = 12"
    );
    sql(&pool, &moved).await.unwrap();
    let opened = Opened::with(&pool, seldom()).await;
    assert_eq!(found(&opened, OTHER).await, (Some(12), 0));
    let halls: Executor<Hall> = Executor::new(opened.port());
    assert_eq!(halls.read(OTHER, |hall| hall.sold).await.unwrap().0, 12);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_state_of_another_format_is_not_read(pool: PgPool) {
    for format in [0, 2] {
        sql(&pool, "TRUNCATE snapshots").await.unwrap();
        if count(&pool, "SELECT count(*) FROM events").await == 0 {
            with_snapshot(&pool).await;
        }
        let other = format!("UPDATE snapshots SET format = {format}");
        sql(&pool, &other).await.unwrap();
        let sold = count(&pool, "SELECT count(*) FROM events").await.cast_unsigned();
        goes_on(&pool, (None, usize::try_from(sold).unwrap()), sold).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_snapshot_of_what_is_not_in_the_log_is_not_used(pool: PgPool) {
    with_snapshot(&pool).await;
    sql(&pool, "UPDATE snapshots SET last_sequence = 100, position = 100")
        .await
        .unwrap();
    goes_on(&pool, (None, 15), 15).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_lost_its_tail_is_loaded_without(pool: PgPool) {
    with_snapshot(&pool).await;
    // A dump that is older than the snapshot.
    tamper(&pool, "DELETE FROM events WHERE position > 8").await;
    goes_on(&pool, (None, 8), 8).await;
    // By now there are events again where it was taken: others.
    let opened = Opened::with(&pool, seldom()).await;
    let halls = Executor::new(opened.port());
    sell_seats(&halls, ID, 3).await;
    opened.close().await;
    goes_on(&pool, (None, 12), 12).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_snapshot_whose_event_is_gone_is_not_kept(pool: PgPool) {
    let opened = Opened::with(&pool, seldom()).await;
    let halls = Executor::new(opened.port());
    sell_seats(&halls, ID, 10).await;
    let made = snapshot(opened.log.as_ref(), ID).await.unwrap();
    let wrong = [
        Snapshot {
            hash: [7; 32],
            ..made.clone()
        },
        Snapshot {
            position: 9,
            ..made.clone()
        },
        Snapshot {
            last_sequence: 11,
            ..made.clone()
        },
    ];
    for wrong in wrong {
        assert!(!keep_snapshot(&pool, &hall(ID), &wrong).await.unwrap());
    }
    assert!(keep_snapshot(&pool, &hall(ID), &made).await.unwrap());
    assert_eq!(snapshot(opened.log.as_ref(), ID).await, None, "nothing is new");
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hole_in_a_stream_is_no_aggregate(pool: PgPool) {
    with_snapshot(&pool).await;
    tamper(&pool, "DELETE FROM events WHERE position = 12").await;
    let opened = Opened::with(&pool, seldom()).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    let read = halls.read(ID, |hall| hall.sold).await;
    assert!(matches!(read, Err(ExecuteError::Corrupt(_))), "{read:?}");
    opened.close().await;
}

#[tokio::test]
async fn what_is_only_decided_is_in_no_snapshot() {
    let log = MemoryLog::new();
    let halls: Executor<Hall> = Executor::new(Arc::clone(&log) as _);
    sell_seats(&halls, ID, 3).await;
    log.hold();
    let mut sale = Box::pin(halls.execute(ID, sell(), metadata()));
    assert!(futures::poll!(&mut sale).is_pending());
    let made = snapshot(log.as_ref(), ID).await.unwrap();
    assert_eq!((made.last_sequence, &*made.payload), (3, &br#"{"sold":3}"#[..]));
    log.release();
    sale.await.unwrap();
    let mut memo = Memo::default();
    let made = Wish::new::<Hall>(hall(ID)).fulfil(log.as_ref(), 3, &mut memo).await;
    let made = made.unwrap();
    assert_eq!(made, None, "a state that is too long has none");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_grows_gets_snapshots_by_itself(pool: PgPool) {
    let limits = LogLimits {
        snapshot_every: 10,
        ..LogLimits::default()
    };
    let opened = Opened::with(&pool, limits.clone()).await;
    let halls = Executor::new(opened.port());
    for _ in 0..25 {
        sell_seats(&halls, ID, 1).await;
    }
    until("there is a snapshot", async || found(&opened, ID).await.0.is_some()).await;
    sell_seats(&halls, ID, 100).await;
    until("there is a newer one", async || {
        found(&opened, ID).await == (Some(125), 0)
    })
    .await;
    opened.close().await;
    // One that was lost is made again when the stream is loaded.
    sql(&pool, "TRUNCATE snapshots").await.unwrap();
    let opened = Opened::with(&pool, limits).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    assert_eq!(halls.read(ID, |hall| hall.sold).await.unwrap().0, 125);
    until("it is made again", async || found(&opened, ID).await == (Some(125), 0)).await;
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_leaves_memory_gets_a_snapshot_if_it_is_worth_it(pool: PgPool) {
    let limits = LogLimits {
        hot_aggregates: 1,
        ..seldom()
    };
    let opened = Opened::with(&pool, limits).await;
    let halls = Executor::new(opened.port());
    sell_seats(&halls, OTHER, 5).await;
    sell_seats(&halls, ID, 150).await;
    sell_seats(&halls, Uuid::from_u128(9), 1).await;
    until("there is a snapshot", async || {
        found(&opened, ID).await == (Some(150), 0)
    })
    .await;
    assert_eq!(found(&opened, OTHER).await, (None, 5));
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn loads_that_come_together_are_not_mixed_up(pool: PgPool) {
    let opened = Opened::with(&pool, seldom()).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    let sales = (0..200_u128).map(|number| {
        let halls = &halls;
        async move {
            let seats = u64::try_from(number % 7).unwrap();
            if seats > 0 {
                sell_seats(halls, Uuid::from_u128(number), seats).await;
            }
        }
    });
    futures::future::join_all(sales).await;
    opened.close().await;
    let opened = Opened::with(&pool, seldom()).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    let reads = (0..200_u128).map(|number| halls.read(Uuid::from_u128(number), |hall| hall.sold));
    let sold: Vec<u64> = futures::future::join_all(reads)
        .await
        .into_iter()
        .map(|read| read.unwrap().0)
        .collect();
    assert_eq!(sold, (0..200).map(|number| number % 7).collect::<Vec<u64>>());
    assert_eq!(halls.store().cold_loads(), 200);
    opened.close().await;
}

async fn append_rooms(opened: &Opened, room: u128, after: u64, count: usize) {
    let append = rooms(room, after, count);
    opened.log.append(vec![append]).await.remove(0).unwrap();
}

async fn room_snapshot(opened: &Opened, memo: &mut Memo) -> Snapshot {
    let wish = Wish::new::<Room>(rooms(1, 0, 0).stream);
    let made = wish.fulfil(opened.log.as_ref(), usize::MAX, memo).await;
    made.unwrap().unwrap()
}

/// Every stored text becomes one that nobody can decode: whoever reads the log again fails.
async fn spoil_texts(pool: &PgPool) {
    tamper(pool, "UPDATE events SET payload = '[]'").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_next_snapshot_of_a_stream_is_made_without_reading_it_again(pool: PgPool) {
    let opened = Opened::with(&pool, seldom()).await;
    let mut memo = Memo::default();
    append_rooms(&opened, 1, 0, 3).await;
    room_snapshot(&opened, &mut memo).await;
    append_rooms(&opened, 2, 0, 4).await;
    append_rooms(&opened, 1, 3, 1_500).await;
    append_rooms(&opened, 2, 4, 1).await;
    let read = room_snapshot(&opened, &mut Memo::default()).await;
    spoil_texts(&pool).await;
    assert_eq!(room_snapshot(&opened, &mut memo).await, read);
    assert_eq!((read.last_sequence, read.position), (1_503, 1_507));
    let wish = Wish::new::<Room>(rooms(1, 0, 0).stream);
    let again = wish.fulfil(opened.log.as_ref(), usize::MAX, &mut memo).await;
    assert_eq!(again.unwrap(), None, "nothing happened since");
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_state_of_another_past_is_not_gone_on_with(pool: PgPool) {
    let opened = Opened::with(&pool, seldom()).await;
    append_rooms(&opened, 1, 0, 3).await;
    let mut memo = Memo::default();
    room_snapshot(&opened, &mut memo).await;
    opened.close().await;
    // The same positions with another past, as after the loss of a tail.
    tamper(&pool, "TRUNCATE events").await;
    let opened = Opened::with(&pool, seldom()).await;
    append_rooms(&opened, 1, 0, 3).await;
    append_rooms(&opened, 1, 3, 2).await;
    let read = room_snapshot(&opened, &mut Memo::default()).await;
    assert_eq!(room_snapshot(&opened, &mut memo).await, read);
    opened.close().await;
}
