//! Followers of the log: each event once, in order, across restarts, lost connections and forks.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cqrs_es::DomainEvent as _;
use domain::{AnyEvent, RoomEvent, Timestamp};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::support::*;
use crate::subscription::{self, SubscriptionError};
use crate::{EventLog, MemoryLog, NewEvent, Progress, Recorded, StreamAppend, StreamId, Subscriber, SubscriberError};

/// Writes down what it saw. A table with a primary key, so that seeing something twice is an error.
struct Scribe {
    refuses: AtomicBool,
}

#[async_trait]
impl Subscriber for Scribe {
    fn name(&self) -> &'static str {
        "scribe"
    }

    async fn handle(&self, page: &[Arc<Recorded>], transaction: &mut PgConnection) -> Result<(), SubscriberError> {
        for recorded in page {
            assert!(matches!(recorded.event, AnyEvent::Room(_, RoomEvent::RoomEnded { .. })));
            let insert = format!("INSERT INTO seen VALUES ({})", recorded.position);
            transaction.execute(insert.as_str()).await?;
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(SubscriberError::new("it does not add up"));
        }
        Ok(())
    }
}

/// A subscription under way.
struct Following {
    progress: Progress,
    cancel: CancellationToken,
    tracker: TaskTracker,
    run: tokio::task::JoinHandle<Result<(), SubscriptionError>>,
}

impl Following {
    fn start(log: &Arc<dyn EventLog>, pool: &PgPool) -> Self {
        Self::with(log, pool, false)
    }

    fn with(log: &Arc<dyn EventLog>, pool: &PgPool, refuses: bool) -> Self {
        let (progress, cancel, tracker) = (Progress::new(), CancellationToken::new(), TaskTracker::new());
        let scribe = Arc::new(Scribe {
            refuses: AtomicBool::new(refuses),
        });
        let run = subscription::run(Arc::clone(log), pool.clone(), scribe, progress.clone(), cancel.clone());
        Self {
            run: tracker.spawn(run),
            progress,
            cancel,
            tracker,
        }
    }

    async fn reaches(&self, position: u64) {
        assert!(
            self.progress.wait_for(position, PATIENCE).await,
            "stands at {}",
            self.progress.position()
        );
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.tracker.close();
        self.run.await.unwrap().unwrap();
    }

    /// How it ended by itself.
    async fn fails(self) -> SubscriptionError {
        tokio::time::timeout(PATIENCE, self.run)
            .await
            .unwrap()
            .unwrap()
            .unwrap_err()
    }
}

async fn prepare(pool: &PgPool) {
    sql(pool, "CREATE TABLE seen (position bigint PRIMARY KEY)")
        .await
        .unwrap();
}

async fn seen(pool: &PgPool) -> i64 {
    count(pool, "SELECT count(*) FROM seen").await
}

pub(super) fn rooms(room: u128, expected_version: u64, count: usize) -> StreamAppend {
    let ended = RoomEvent::RoomEnded {
        ended_at: Timestamp::UNIX_EPOCH,
    };
    let event = NewEvent {
        event_type: Cow::Owned(ended.event_type()),
        event_version: Cow::Owned(ended.event_version()),
        payload: serde_json::to_vec(&ended).unwrap(),
    };
    StreamAppend {
        stream: StreamId {
            aggregate_type: "room",
            aggregate_id: Arc::from(Uuid::from_u128(room).to_string()),
        },
        expected_version,
        events: vec![event; count],
        metadata: serde_json::to_vec(&metadata()).unwrap().into(),
    }
}

async fn append_rooms(log: &Arc<dyn EventLog>, room: u128, expected_version: u64, count: usize) {
    let append = rooms(room, expected_version, count);
    log.append(vec![append]).await.remove(0).unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_subscriber_sees_each_event_once_across_restarts(pool: PgPool) {
    prepare(&pool).await;
    let opened = Opened::new(&pool).await;
    let log = opened.port();
    append_rooms(&log, 1, 0, 1500).await;
    let following = Following::start(&log, &pool);
    following.reaches(1500).await;
    append_rooms(&log, 2, 0, 3).await;
    following.reaches(1503).await;
    following.stop().await;

    append_rooms(&log, 2, 3, 3).await;
    let following = Following::start(&log, &pool);
    following.reaches(1506).await;
    following.stop().await;
    assert_eq!(seen(&pool).await, 1506);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_subscriber_follows_the_memory_log_too(pool: PgPool) {
    prepare(&pool).await;
    let log: Arc<dyn EventLog> = MemoryLog::new();
    let following = Following::start(&log, &pool);
    for version in 0..10 {
        append_rooms(&log, 1, version, 1).await;
        following.reaches(version + 1).await;
    }
    following.stop().await;
    assert_eq!(seen(&pool).await, 10);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_processes_share_the_work_and_do_none_twice(pool: PgPool) {
    prepare(&pool).await;
    let opened = Opened::new(&pool).await;
    let log = opened.port();
    let (one, other) = (Following::start(&log, &pool), Following::start(&log, &pool));
    for version in 0..50 {
        append_rooms(&log, 1, version, 1).await;
    }
    one.reaches(50).await;
    other.reaches(50).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(seen(&pool).await, 50);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_connection_is_waited_for(pool: PgPool) {
    prepare(&pool).await;
    let opened = Opened::new(&pool).await;
    let log = opened.port();
    let following = Following::start(&log, &pool);
    append_rooms(&log, 1, 0, 1).await;
    following.reaches(1).await;
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE seen").execute(&mut *blocker).await.unwrap();
    append_rooms(&log, 1, 1, 1).await;
    let waits = "application_name <> 'boxoffice-sequencer' AND wait_event_type = 'Lock'";
    until("the page hangs", async || sessions(&pool, waits).await == 1).await;
    terminate(&pool, waits).await;
    blocker.commit().await.unwrap();
    following.reaches(2).await;
    following.stop().await;
    assert_eq!(seen(&pool).await, 2);
    opened.close().await;
}

/// Closes the database to everybody, or opens it again; from another one, because this one is closed then.
async fn admit(pool: &PgPool, is_open: bool) {
    let options = pool.connect_options().as_ref().clone();
    let database = options.get_database().unwrap().to_owned();
    let mut administrator = options.database("postgres").connect().await.unwrap();
    let close = format!(
        "ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS {is_open};
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND NOT {is_open}"
    );
    administrator.execute(close.as_str()).await.unwrap();
    administrator.close().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_admits_nobody_is_waited_for(pool: PgPool) {
    prepare(&pool).await;
    let opened = Opened::with(&pool, impatient()).await;
    let log = opened.port();
    let following = Following::start(&log, &pool);
    append_rooms(&log, 1, 0, 1).await;
    following.reaches(1).await;

    admit(&pool, false).await;
    let append = rooms(1, 1, 1);
    assert!(log.append(vec![append]).await.remove(0).is_err());
    assert!(log.read_all(0, 1).await.is_err());
    assert!(!following.run.is_finished());

    admit(&pool, true).await;
    until("the log leads again", async || opened.log.is_leading()).await;
    append_rooms(&log, 1, 1, 1).await;
    following.reaches(2).await;
    following.stop().await;
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_subscriber_that_fails_stops_and_leaves_nothing(pool: PgPool) {
    prepare(&pool).await;
    let log: Arc<dyn EventLog> = MemoryLog::new();
    append_rooms(&log, 1, 0, 2).await;
    let error = Following::with(&log, &pool, true).fails().await;
    assert!(
        matches!(error, SubscriptionError::Subscriber { after: 0, .. }),
        "{error}"
    );
    assert_eq!(seen(&pool).await, 0);
    assert_eq!(count(&pool, "SELECT position FROM projection_checkpoint").await, 0);
}

/// A log with five events, and a subscriber that has seen the first three.
async fn followed_halfway(pool: &PgPool) -> (Opened, Arc<dyn EventLog>) {
    prepare(pool).await;
    let opened = Opened::new(pool).await;
    let log = opened.port();
    append_rooms(&log, 1, 0, 3).await;
    let following = Following::start(&log, pool);
    following.reaches(3).await;
    following.stop().await;
    append_rooms(&log, 1, 3, 2).await;
    (opened, log)
}

#[sqlx::test(migrations = "../migrations")]
async fn another_history_behind_the_checkpoint_is_a_fork(pool: PgPool) {
    let (opened, log) = followed_halfway(&pool).await;
    tamper(&pool, "UPDATE events SET hash = sha256('') WHERE position = 3").await;
    let error = Following::start(&log, &pool).fails().await;
    assert!(
        matches!(error, SubscriptionError::Forked { position: 3, .. }),
        "{error}"
    );
    assert_eq!(seen(&pool).await, 3);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_lost_its_tail_is_a_fork(pool: PgPool) {
    let (opened, log) = followed_halfway(&pool).await;
    tamper(&pool, "DELETE FROM events WHERE position > 2").await;
    let error = Following::start(&log, &pool).fails().await;
    assert!(
        matches!(error, SubscriptionError::Forked { position: 3, .. }),
        "{error}"
    );
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_gap_stops_the_subscriber(pool: PgPool) {
    let (opened, log) = followed_halfway(&pool).await;
    tamper(&pool, "DELETE FROM events WHERE position = 4").await;
    let error = Following::start(&log, &pool).fails().await;
    assert!(
        matches!(
            error,
            SubscriptionError::Gap {
                expected: 4,
                found: 5,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(seen(&pool).await, 3);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_event_that_cannot_be_read_stops_the_subscriber(pool: PgPool) {
    prepare(&pool).await;
    let log: Arc<dyn EventLog> = MemoryLog::new();
    append_rooms(&log, 1, 0, 1).await;
    let following = Following::start(&log, &pool);
    following.reaches(1).await;
    log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    let error = following.fails().await;
    assert!(
        matches!(error, SubscriptionError::Undecodable { position: 2, .. }),
        "{error}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_subscription_leaves_no_transaction_open(pool: PgPool) {
    prepare(&pool).await;
    let log: Arc<dyn EventLog> = MemoryLog::new();
    let following = Following::start(&log, &pool);
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE seen").execute(&mut *blocker).await.unwrap();
    append_rooms(&log, 1, 0, 1).await;
    until("the page hangs", async || {
        sessions(&pool, "wait_event_type = 'Lock'").await == 1
    })
    .await;
    following.cancel.cancel();
    blocker.commit().await.unwrap();
    following.stop().await;
    assert_eq!(sessions(&pool, "state <> 'idle'").await, 0);
    assert_eq!(seen(&pool).await, 0);
    assert_eq!(count(&pool, "SELECT position FROM projection_checkpoint").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_checkpoint_that_somebody_moves_is_followed(pool: PgPool) {
    let (opened, log) = followed_halfway(&pool).await;
    let following = Following::start(&log, &pool);
    following.reaches(5).await;
    sql(
        &pool,
        "DELETE FROM seen WHERE position > 1;
        UPDATE projection_checkpoint SET (position, hash) = (SELECT position, hash FROM events WHERE position = 1)",
    )
    .await
    .unwrap();
    append_rooms(&log, 1, 5, 1).await;
    following.reaches(6).await;
    following.stop().await;
    assert_eq!(seen(&pool).await, 6);
    opened.close().await;
}

#[tokio::test]
async fn progress_that_does_not_come_is_not_waited_for() {
    let progress = Progress::new();
    progress.set(4);
    assert!(progress.wait_for(4, PATIENCE).await);
    assert!(!progress.wait_for(5, std::time::Duration::from_millis(1)).await);
}
