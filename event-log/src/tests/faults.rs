//! PostgreSQL breaks, hangs, refuses or goes away: nothing is lost, nothing is recorded twice, nobody waits for ever.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use super::hall::{Hall, sell};
use super::proxy::Proxy;
use super::support::*;
use crate::pipeline::Pending;
use crate::postgres::ConnectError;
use crate::verify::{Verdict, verify_chain};
use crate::{AppendError, EventLog, ExecuteError, Executor, LogLimits, PostgresLog, ReadError, StreamAppend};

/// How long the limits of `impatient` can make an append wait: for its turn, for PostgreSQL, and for the line.
const BOUND: Duration = Duration::from_secs(6);

fn enqueue(log: &Arc<PostgresLog>, append: StreamAppend) -> Pending {
    log.reserve().unwrap().enqueue(append, None)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_whose_session_is_killed_is_recorded_once(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    enqueue(&opened.log, append("a", 0, 1)).await.unwrap();
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let in_flight = enqueue(&opened.log, append("a", 1, 2));
    until("the batch hangs", async || sessions(&pool, SEQUENCER_WAITS).await == 1).await;
    terminate(&pool, SEQUENCER_WAITS).await;
    until("the batch hangs again", async || {
        sessions(&pool, SEQUENCER_WAITS).await == 1
    })
    .await;
    blocker.commit().await.unwrap();

    assert_eq!(in_flight.await.unwrap().position, 3);
    let events = opened.log.read_all(0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(matches!(
        verify_chain(&pool).await.unwrap(),
        Verdict::Verified { events: 3, .. }
    ));
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_commit_whose_answer_is_lost_is_recognised(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let opened = Opened::through(proxy.options(&pool), &pool, LogLimits::default()).await;
    // The stream's version is known after this, so that the next answer of PostgreSQL is that of an INSERT.
    enqueue(&opened.log, append("a", 0, 1)).await.unwrap();
    for version in 1..=3 {
        proxy.swallow_next_answer();
        let appended = enqueue(&opened.log, append("a", version, 1)).await.unwrap();
        assert!(proxy.has_swallowed());
        assert_eq!(appended.position, version + 1);
    }
    assert!(matches!(
        verify_chain(&pool).await.unwrap(),
        Verdict::Verified { events: 4, .. }
    ));
    opened.close().await;
    proxy.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_goes_away_is_waited_for(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let opened = Opened::through(proxy.options(&pool), &pool, impatient()).await;
    let log = &opened.log;
    enqueue(log, append("a", 0, 1)).await.unwrap();

    proxy.cut();
    let cut_at = Instant::now();
    let lost = [enqueue(log, append("a", 1, 1)), enqueue(log, append("b", 0, 1))];
    for pending in lost {
        let error = pending.await.unwrap_err();
        assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    }
    assert!(cut_at.elapsed() < BOUND, "{:?}", cut_at.elapsed());

    assert!(matches!(log.reserve(), Err(AppendError::Unavailable(_))));
    assert!(!log.is_leading());
    assert_eq!(log.epoch(), None);

    proxy.mend();
    until("the log leads again", async || log.is_leading()).await;
    // Nothing was recorded of what was answered with an error, in this case.
    assert_eq!(enqueue(log, append("a", 1, 1)).await.unwrap().position, 2);
    opened.close().await;
    proxy.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_queue_behind_a_lost_line_is_answered(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let limits = LogLimits {
        batch: 1,
        ..impatient()
    };
    let opened = Opened::through(proxy.options(&pool), &pool, limits).await;
    let mut permits = Vec::new();
    for _ in 0..20 {
        permits.push(opened.log.reserve().unwrap());
    }
    proxy.cut();
    let cut_at = Instant::now();
    let pending: Vec<Pending> = permits
        .into_iter()
        .enumerate()
        .map(|(nth, permit)| permit.enqueue(append(&format!("s{nth}"), 0, 1), None))
        .collect();
    for outcome in futures::future::join_all(pending).await {
        assert!(matches!(outcome, Err(AppendError::Unavailable(_))), "{outcome:?}");
    }
    assert!(cut_at.elapsed() < BOUND, "{:?}", cut_at.elapsed());
    opened.close().await;
    proxy.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_hangs_is_not_waited_for_for_ever(pool: PgPool) {
    let opened = Opened::with(&pool, impatient()).await;
    let log = &opened.log;
    enqueue(log, append("a", 0, 1)).await.unwrap();
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let asked_at = Instant::now();
    let error = enqueue(log, append("a", 1, 1)).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    assert!(asked_at.elapsed() < BOUND, "{:?}", asked_at.elapsed());
    blocker.commit().await.unwrap();
    until("the log leads again", async || log.is_leading()).await;
    assert_eq!(enqueue(log, append("a", 1, 1)).await.unwrap().position, 2);
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_queue_says_overloaded(pool: PgPool) {
    let limits = LogLimits {
        queue: 4,
        ..LogLimits::default()
    };
    let opened = Opened::with(&pool, limits).await;
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let mut pending = vec![enqueue(&opened.log, append("a", 0, 1))];
    until("the sequencer is busy", async || {
        sessions(&pool, SEQUENCER_WAITS).await == 1
    })
    .await;
    for nth in 0..4 {
        pending.push(enqueue(&opened.log, append(&format!("b{nth}"), 0, 1)));
    }
    assert!(matches!(opened.log.reserve(), Err(AppendError::Overloaded)));
    blocker.commit().await.unwrap();
    assert!(
        futures::future::join_all(pending)
            .await
            .into_iter()
            .all(|outcome| outcome.is_ok())
    );
    enqueue(&opened.log, append("a", 1, 1)).await.unwrap();
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn refused_bytes_in_a_big_batch_fail_alone(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let first = enqueue(&opened.log, append("first", 0, 1));
    until("the sequencer is busy", async || {
        sessions(&pool, SEQUENCER_WAITS).await == 1
    })
    .await;
    // All of these become one batch.
    let culprits: HashSet<usize> = [0, 33, 34, 99].into();
    let mut pending = Vec::new();
    for nth in 0..100 {
        let id = format!("s{nth}");
        let mut append_of = append(&id, 0, 1);
        if culprits.contains(&nth) {
            append_of.events[0].payload = b"no json".to_vec();
        }
        pending.push(enqueue(&opened.log, append_of));
        pending.push(enqueue(&opened.log, append(&id, 1, 1)));
    }
    blocker.commit().await.unwrap();
    first.await.unwrap();
    let outcomes = futures::future::join_all(pending).await;
    for (nth, pair) in outcomes.chunks(2).enumerate() {
        if culprits.contains(&nth) {
            assert!(matches!(pair[0], Err(AppendError::Rejected(_))), "{nth}: {pair:?}");
            assert!(matches!(pair[1], Err(AppendError::Cascade { .. })), "{nth}: {pair:?}");
        } else {
            assert!(pair.iter().all(Result::is_ok), "{nth}: {pair:?}");
        }
    }
    assert!(matches!(
        verify_chain(&pool).await.unwrap(),
        Verdict::Verified { events: 193, .. }
    ));
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_queued_at_shutdown_is_recorded(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let mut pending = Vec::new();
    for nth in 0..50 {
        pending.push(enqueue(&opened.log, append(&format!("s{nth}"), 0, 1)));
    }
    opened.cancel();
    assert!(
        futures::future::join_all(pending)
            .await
            .into_iter()
            .all(|outcome| outcome.is_ok())
    );
    until("the log has stopped", async || opened.log.reserve().is_err()).await;
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_read_whose_session_is_killed_is_an_error_and_no_end(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let halls: Executor<Hall> = Executor::new(opened.port());
    halls.execute(Uuid::nil(), sell(), metadata()).await.unwrap();
    // Another log on the same database has nothing in memory, and nobody else of it looks at the table.
    let reader = PostgresLog::for_reading(pool.clone(), &LogLimits::default());
    let cold: Executor<Hall> = Executor::new(reader);
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let reads = async { tokio::join!(opened.log.read_all(0, 10), cold.read(Uuid::nil(), |hall| hall.sold),) };
    let readers = "application_name <> 'boxoffice-sequencer' AND wait_event_type = 'Lock'";
    let kill = async {
        until("the readers hang", async || sessions(&pool, readers).await == 2).await;
        terminate(&pool, readers).await;
    };
    let ((page, aggregate), ()) = tokio::join!(reads, kill);
    assert!(matches!(page, Err(ReadError::Unavailable(_))), "{page:?}");
    assert!(matches!(aggregate, Err(ExecuteError::Unavailable(_))), "{aggregate:?}");
    blocker.commit().await.unwrap();
    assert_eq!(cold.read(Uuid::nil(), |hall| hall.sold).await.unwrap(), (1, 1));
    opened.close().await;
}

#[sqlx::test(migrations = false)]
async fn a_database_without_the_table_is_not_prepared(pool: PgPool) {
    let tracker = tokio_util::task::TaskTracker::new();
    let cancel = tokio_util::sync::CancellationToken::new();
    let options = pool.connect_options().as_ref().clone();
    let outcome = PostgresLog::connect(options, pool, LogLimits::default(), &tracker, cancel).await;
    assert!(matches!(outcome, Err(ConnectError::NotPrepared(_))));
}
