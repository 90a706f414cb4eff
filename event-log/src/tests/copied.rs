//! A copy of another log: made once, made again, by two, and of the wrong one.

use std::ops::ControlFlow;
use std::sync::Arc;

use sqlx::PgPool;

use super::rules::at;
use super::support::{Opened, Tasks, append, count, sql, stream, tamper, terminate, until};
use crate::copied::{CopyError, MoveError, move_log};
use crate::leader::Leader;
use crate::{AppendError, CopiedLog, EventLog, Head, LogLimits, ManualClock, MemoryLog};

/// A log in memory stands for the other one; the copy is a real database.
pub(super) struct Copied {
    log: Arc<CopiedLog>,
    opened: Opened,
    tasks: Tasks,
}

impl Copied {
    /// One that leads.
    pub(super) async fn of(source: Arc<dyn EventLog>, pool: &PgPool) -> Self {
        let copied = Self::open(source, pool).await.unwrap();
        copied.leads().await;
        copied
    }

    async fn open(source: Arc<dyn EventLog>, pool: &PgPool) -> Result<Self, CopyError> {
        let limits = LogLimits {
            startup_wait: std::time::Duration::from_secs(2),
            ..LogLimits::default()
        };
        let opened = Opened::with(pool, limits.clone()).await;
        let tasks = Tasks::default();
        let started = CopiedLog::start(
            source,
            Arc::clone(&opened.log),
            &limits,
            &tasks.tracker,
            tasks.cancel.clone(),
        );
        match started.await {
            Ok(log) => Ok(Self { log, opened, tasks }),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    pub(super) fn port(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.log) as _
    }

    pub(super) async fn close(self) {
        self.tasks.close().await;
        self.opened.close().await;
    }

    async fn leads(&self) {
        let mut leader = self.log.leader();
        until("it leads", async || *leader.borrow_and_update() == Leader::Here).await;
    }
}

async fn recorded(log: &dyn EventLog, id: &str, expected_version: u64) -> u64 {
    let outcome = log.append(vec![append(id, expected_version, 1)]).await.remove(0);
    outcome.unwrap().position
}

async fn head_is(log: &dyn EventLog, position: u64) -> Head {
    until("the copy is there", async || {
        log.head().await.unwrap().position == position
    })
    .await;
    log.head().await.unwrap()
}

const FORGET_COPY: &str = "DELETE FROM events; DELETE FROM log_origin";

#[sqlx::test(migrations = "../migrations")]
async fn a_copy_that_is_made_again_is_the_same(pool: PgPool) {
    let clock = ManualClock::new(at(1000));
    let source = MemoryLog::with(LogLimits::default(), Arc::new(clock.clone()));
    let first = Copied::of(source.clone(), &pool).await;
    for version in 0..20 {
        recorded(&*first.log, "a", version).await;
        clock.set(at(1000 + 7 * i64::try_from(version).unwrap()));
    }
    let made_once = first.log.head().await.unwrap();
    first.close().await;
    tamper(&pool, FORGET_COPY).await;
    // By one page this time, not one after another, and later.
    clock.set(at(9000));
    let again = Copied::of(source, &pool).await;
    assert_eq!(head_is(&*again.log, 20).await, made_once);
    again.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_others_appended_meanwhile_is_copied_before_anything_is_taken(pool: PgPool) {
    let source = MemoryLog::new();
    let first = Copied::of(source.clone(), &pool).await;
    recorded(&*first.log, "a", 0).await;
    first.close().await;
    for version in 0..3 {
        recorded(&*source, "b", version).await;
    }
    let second = Copied::of(source, &pool).await;
    assert_eq!(second.log.head().await.unwrap().position, 4);
    assert_eq!(second.log.read_stream(&stream("b"), 0, 10).await.unwrap().len(), 3);
    assert_eq!(recorded(&*second.log, "b", 3).await, 5);
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_copied_but_not_written_down_is_not_copied_twice(pool: PgPool) {
    let source = MemoryLog::new();
    let first = Copied::of(source.clone(), &pool).await;
    for version in 0..5 {
        recorded(&*first.log, "a", version).await;
    }
    first.close().await;
    // As if the process had died before.
    sql(
        &pool,
        "UPDATE log_origin SET position = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    .await
    .unwrap();
    let second = Copied::of(source, &pool).await;
    assert_eq!(recorded(&*second.log, "a", 5).await, 6);
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 6);
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

#[sqlx::test(migrations = "../migrations")]
async fn a_database_with_a_log_of_its_own_is_refused(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    recorded(&*opened.log, "a", 0).await;
    opened.close().await;
    let refused = Copied::open(MemoryLog::new(), &pool).await;
    assert!(matches!(refused, Err(CopyError::OwnLog)));
    assert_eq!(count(&pool, "SELECT count(*) FROM log_origin").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_follows_takes_over_and_copies_the_rest(pool: PgPool) {
    let source = MemoryLog::new();
    let first = Copied::of(source.clone(), &pool).await;
    recorded(&*first.log, "a", 0).await;
    let second = Copied::open(source.clone(), &pool).await.unwrap();
    until("it follows", async || {
        matches!(*second.log.leader().borrow(), Leader::Elsewhere { .. })
    })
    .await;
    let refused = second.log.append(vec![append("a", 1, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(second.log.epoch(), None);
    head_is(&*second.log, 1).await;
    first.close().await;
    recorded(&*source, "a", 1).await;
    second.leads().await;
    assert_eq!(recorded(&*second.log, "a", 2).await, 3);
    second.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn sessions_that_break_lose_nothing(pool: PgPool) {
    let source = MemoryLog::new();
    let copied = Copied::of(source.clone(), &pool).await;
    for version in 0..30 {
        if version % 10 == 5 {
            terminate(&pool, "application_name = 'boxoffice-sequencer'").await;
        }
        until("it is recorded", async || {
            let outcome = copied.log.append(vec![append("a", version, 1)]).await.remove(0);
            match outcome {
                Ok(_) => true,
                // It was recorded, and its answer was lost.
                Err(AppendError::Conflict { actual, .. }) => actual > version,
                Err(_) => false,
            }
        })
        .await;
    }
    assert_eq!(
        head_is(&*copied.log, 30).await.position,
        source.head().await.unwrap().position
    );
    copied.close().await;
}

/// Whoever is refused may load at once: the copy has what refused them.
#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_comes_when_its_reason_can_be_read(pool: PgPool) {
    let source = MemoryLog::new();
    let copied = Copied::of(source.clone(), &pool).await;
    for version in 0..50 {
        recorded(&*source, "a", version).await;
        let refused = copied.log.append(vec![append("a", version, 1)]).await.remove(0);
        assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
        let readable = copied.log.read_stream(&stream("a"), version, 10).await.unwrap();
        assert_eq!(readable.len(), 1, "after {version}");
    }
    copied.close().await;
}

/// A log in the database, at several times and with streams that take turns.
async fn sold_before(pool: &PgPool) -> (Opened, Head) {
    let opened = Opened::new(pool).await;
    for version in 0..7 {
        recorded(&*opened.log, "a", version).await;
        recorded(&*opened.log, "b", 2 * version).await;
        recorded(&*opened.log, "b", 2 * version + 1).await;
    }
    let head = opened.log.head().await.unwrap();
    (opened, head)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_moved_is_copied_as_it_was(pool: PgPool) {
    let (opened, head) = sold_before(&pool).await;
    let other = MemoryLog::new();
    // Stopped after the first page, and begun again.
    let stopped = move_log(&*other, &opened.log, |_| ControlFlow::Break(())).await;
    assert!(
        matches!(stopped, Err(MoveError::Stopped { position: 21 })),
        "{stopped:?}"
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM log_origin").await, 0);
    let moved = move_log(&*other, &opened.log, |_| ControlFlow::Continue(())).await;
    assert_eq!(moved.unwrap(), 21);
    let twice = move_log(&*other, &opened.log, |_| ControlFlow::Continue(())).await;
    assert!(matches!(twice, Err(MoveError::IsCopy)), "{twice:?}");
    opened.close().await;
    let copied = Copied::of(other.clone(), &pool).await;
    assert_eq!(copied.log.head().await.unwrap(), head);
    recorded(&*copied.log, "a", 7).await;
    let head = copied.log.head().await.unwrap();
    copied.close().await;
    tamper(&pool, FORGET_COPY).await;
    let again = Copied::of(other, &pool).await;
    assert_eq!(head_is(&*again.log, 22).await, head, "times and hashes went along");
    again.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_is_not_moved_onto_another_one(pool: PgPool) {
    let (opened, _) = sold_before(&pool).await;
    let other = MemoryLog::new();
    recorded(&*other, "c", 0).await;
    let refused = move_log(&*other, &opened.log, |_| ControlFlow::Continue(())).await;
    assert!(
        matches!(refused, Err(MoveError::Differs { position: 1 })),
        "{refused:?}"
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM log_origin").await, 0);
    assert_eq!(other.head().await.unwrap().position, 1);
    let second = Opened::new(&pool).await;
    let led = move_log(&*MemoryLog::new(), &second.log, |_| ControlFlow::Continue(())).await;
    assert!(matches!(led, Err(MoveError::Led)), "{led:?}");
    second.close().await;
    opened.close().await;
}
