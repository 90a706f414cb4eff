//! A log that moves, and the database that held it becomes the copy.

use std::ops::ControlFlow;

use sqlx::PgPool;

use super::elsewhere::Fault;
use super::{Copied, Elsewhere, FORGET_COPY, head_is, recorded};
use crate::copied::{MoveError, move_log};
use crate::leader::Leader;
use crate::tests::support::{Opened, append, count, sql, tamper, until};
use crate::{AppendError, EventLog as _, Head, LogLimits, MemoryLog};

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

/// One that was there while the log moved, and did not look before.
#[sqlx::test(migrations = "../migrations")]
async fn who_takes_the_log_for_the_databases_own_does_not_take_over_a_copy(pool: PgPool) {
    let (opened, head) = sold_before(&pool).await;
    let second = Opened::new(&pool).await;
    let moved = move_log(&*MemoryLog::new(), &opened.log, |_| ControlFlow::Continue(())).await;
    assert_eq!(moved.unwrap(), 21);
    opened.close().await;
    stands_back(&second, "c").await;
    assert_eq!(second.log.head().await.unwrap(), head);
    second.close().await;
}

async fn stands_back(opened: &Opened, id: &str) {
    until("it had the chance", async || {
        !matches!(*opened.log.leader().borrow(), Leader::Elsewhere { .. })
    })
    .await;
    let refused = opened.log.append(vec![append(id, 0, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(*opened.log.leader().borrow(), Leader::Nobody);
}

const KILLED: &str = "INSERT INTO log_origin (position, hash) VALUES (0, decode(repeat('00', 32), 'hex'))";

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_being_moved_is_nobody_elses(pool: PgPool) {
    let (opened, _) = sold_before(&pool).await;
    let other = Elsewhere::new();
    let stopped = move_log(&*other, &opened.log, |_| ControlFlow::Break(())).await;
    assert!(matches!(stopped, Err(MoveError::Stopped { .. })), "{stopped:?}");
    // As if it had been killed instead.
    sql(&pool, KILLED).await.unwrap();
    opened.close().await;
    let own = Opened::new(&pool).await;
    stands_back(&own, "c").await;
    own.close().await;
    let mover = Opened::of_copy(&pool, LogLimits::default(), None).await;
    let moved = move_log(&*other, &mover.log, |_| ControlFlow::Continue(())).await;
    assert_eq!(moved.unwrap(), 21);
    mover.close().await;
    let copied = Copied::of(other, &pool).await;
    assert_eq!(recorded(&*copied.log, "c", 0).await, 22);
    copied.close().await;
}

/// The shop goes on as it was.
#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_could_not_move_is_the_databases_own(pool: PgPool) {
    let (opened, _) = sold_before(&pool).await;
    let other = Elsewhere::new();
    other.has(Fault::TakesNothing);
    let refused = move_log(&*other, &opened.log, |_| ControlFlow::Continue(())).await;
    assert!(matches!(refused, Err(MoveError::Append { .. })), "{refused:?}");
    opened.close().await;
    let own = Opened::new(&pool).await;
    assert_eq!(recorded(&*own.log, "c", 0).await, 22);
    own.close().await;
}

/// Two processes on an empty database, of which one knows of the other log.
#[sqlx::test(migrations = "../migrations")]
async fn an_empty_database_belongs_to_whoever_leads_first(pool: PgPool) {
    let own = Opened::new(&pool).await;
    let source = Elsewhere::new();
    let copied = Copied::open(source.clone(), &pool).await.unwrap();
    recorded(&*own.log, "a", 0).await;
    source.others_append(append("b", 0, 1)).await;
    own.close().await;
    until("it had the chance", async || copied.opened.log.is_leading()).await;
    let refused = copied.log.append(vec![append("c", 0, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(count(&pool, "SELECT count(*) FROM events").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM log_origin").await, 0);
    copied.close().await;
}
