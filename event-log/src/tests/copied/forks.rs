//! Of the wrong one: what was copied is not what the log holds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::PgPool;

use super::{Copied, Elsewhere, recorded};
use crate::leader::Leader;
use crate::tests::support::{append, count, sql, until};
use crate::{AppendError, EventLog as _, MemoryLog};

const ORIGIN: &str = "SELECT position FROM log_origin";

/// Copies so many events of `source`, each of a stream of its own, and dies. The copy is written down up to `kept` of them.
async fn copied_once(source: &Arc<Elsewhere>, pool: &PgPool, events: i64, kept: i64) {
    let first = Copied::of(source.clone(), pool).await;
    for nth in 0..kept {
        recorded(&*first.log, &format!("s{nth}"), 0).await;
    }
    first.close().await;
    assert_eq!(count(pool, ORIGIN).await, 10 * kept);
    let written_down = "CREATE TABLE written_down AS SELECT * FROM log_origin";
    sql(pool, written_down).await.unwrap();
    let second = Copied::of(source.clone(), pool).await;
    for nth in kept..events {
        recorded(&*second.log, &format!("s{nth}"), 0).await;
    }
    second.close().await;
    let died = "DELETE FROM log_origin; INSERT INTO log_origin SELECT * FROM written_down";
    sql(pool, died).await.unwrap();
}

/// The reader of the copy would never learn it: what was lost conflicts with nothing.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_copied_on_top_of_what_the_log_lost(pool: PgPool) {
    let source = Elsewhere::new();
    copied_once(&source, &pool, 105, 100).await;
    source.is_set_back(102).await;
    for id in ["x", "y", "z", "and on"] {
        source.others_append(append(id, 0, 1)).await;
    }
    let second = Copied::open(source, &pool).await.unwrap();
    until("it is found out", async || second.log.fork().is_some()).await;
    assert_eq!(second.log.fork().unwrap().seen.position, 103);
    assert_eq!(*second.log.leader().borrow(), Leader::Nobody);
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 105);
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_only_lost_its_end_is_found(pool: PgPool) {
    let source = Elsewhere::new();
    copied_once(&source, &pool, 9, 4).await;
    source.is_set_back(7).await;
    let second = Copied::open(source.clone(), &pool).await.unwrap();
    until("it is found out", async || second.log.fork().is_some()).await;
    assert_eq!(second.log.fork().unwrap().seen.position, 8);
    // It was only behind, for long.
    for nth in 7..9 {
        source.others_append(append(&format!("s{nth}"), 0, 1)).await;
    }
    second.leads().await;
    assert_eq!(second.log.fork(), None);
    assert_eq!(recorded(&*second.log, "a", 0).await, 10);
    second.close().await;
}

/// One node of an engine's is behind the one that answered before.
#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_behind_for_a_moment_is_no_fork(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    for nth in 0..5 {
        recorded(&*copied.log, &format!("s{nth}"), 0).await;
    }
    // Longer than it may be behind.
    tokio::time::sleep(Duration::from_secs(3)).await;
    source.is_set_back(4).await;
    until("it is seen", async || *copied.log.leader().borrow() == Leader::Nobody).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(copied.log.fork(), None);
    source.others_append(append("s4", 0, 1)).await;
    copied.leads().await;
    assert_eq!(recorded(&*copied.log, "a", 0).await, 6);
    copied.close().await;
}

/// A standby that lacked the end of the copy, and not what was written down of it, was promoted.
#[sqlx::test(migrations = "../migrations")]
async fn a_copy_that_lost_its_end_is_made_whole(pool: PgPool) {
    let source = Elsewhere::new();
    copied_once(&source, &pool, 9, 9).await;
    sql(
        &pool,
        "SET session_replication_role = replica; DELETE FROM events WHERE position > 5",
    )
    .await
    .unwrap();
    let second = Copied::of(source, &pool).await;
    assert_eq!(second.log.fork(), None);
    assert_eq!(recorded(&*second.log, "a", 0).await, 10);
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_set_back_under_its_reader_is_found(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    for nth in 0..5 {
        recorded(&*copied.log, &format!("s{nth}"), 0).await;
    }
    source.is_set_back(4).await;
    for id in ["x", "y"] {
        source.others_append(append(id, 0, 1)).await;
    }
    until("it is found out", async || copied.log.fork().is_some()).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 5);
    copied.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_copy_is_not_copied_on_top_of(pool: PgPool) {
    let source = Elsewhere::new();
    let copied = Copied::of(source.clone(), &pool).await;
    recorded(&*copied.log, "a", 0).await;
    recorded(&*copied.opened.log, "nobody", 0).await;
    source.others_append(append("a", 1, 1)).await;
    until("it is found out", async || copied.log.fork().is_some()).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 2);
    copied.close().await;
}

/// Whoever watches for the alarm sees it at any moment.
#[sqlx::test(migrations = "../migrations")]
async fn an_alarm_lasts_until_the_log_is_copied_again(pool: PgPool) {
    let source = Elsewhere::new();
    copied_once(&source, &pool, 5, 3).await;
    source.is_set_back(4).await;
    source.others_append(append("x", 0, 1)).await;
    let second = Copied::open(source.clone(), &pool).await.unwrap();
    until("it is found out", async || second.log.fork().is_some()).await;
    let (log, seen) = (Arc::clone(&second.log), Arc::new(Mutex::new(Vec::new())));
    let spy = Arc::clone(&seen);
    source.whenever_it_is_read(move || spy.lock().unwrap().push(log.fork().is_some()));
    until("it was compared again, twice", async || seen.lock().unwrap().len() > 1).await;
    assert!(seen.lock().unwrap().iter().all(|alarm| *alarm));
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_log_is_not_copied_on_top(pool: PgPool) {
    let source = MemoryLog::new();
    let first = Copied::of(source, &pool).await;
    recorded(&*first.log, "a", 0).await;
    until("it is written down", async || {
        count(&pool, "SELECT position FROM log_origin").await == 1
    })
    .await;
    first.close().await;
    let another = MemoryLog::new();
    recorded(&*another, "b", 0).await;
    let second = Copied::open(another, &pool).await.unwrap();
    until("it is found out", async || second.log.fork().is_some()).await;
    assert_eq!(*second.log.leader().borrow(), Leader::Nobody);
    let refused = second.log.append(vec![append("b", 1, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 1);
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_was_set_back_is_found_where_it_differs(pool: PgPool) {
    let source = MemoryLog::new();
    let first = Copied::of(source, &pool).await;
    recorded(&*first.log, "a", 0).await;
    first.close().await;
    sql(
        &pool,
        "UPDATE log_origin SET position = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    .await
    .unwrap();
    let another = MemoryLog::new();
    let mut differs = append("a", 0, 1);
    differs.events[0].payload = br#"{"not":"what it was"}"#.to_vec();
    another.append(vec![differs]).await.remove(0).unwrap();
    let second = Copied::open(another, &pool).await.unwrap();
    until("it is found out", async || second.log.fork().is_some()).await;
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 1);
    second.close().await;
}
