//! A log that moves, and the database that held it becomes the copy.

use std::ops::ControlFlow;

use sqlx::PgPool;

use super::{Copied, FORGET_COPY, head_is, recorded};
use crate::copied::{MoveError, move_log};
use crate::tests::support::{Opened, count, tamper};
use crate::{EventLog as _, Head, MemoryLog};

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
