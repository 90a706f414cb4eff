//! Plans that are made while a statement is on its way: they stand and fall with it.

use sqlx::PgPool;

use super::support::*;
use crate::pipeline::{Generation, Pending};
use crate::verify::{Verdict, verify_chain};
use crate::{AppendError, EventLog, StreamAppend};

fn enqueue(opened: &Opened, append: StreamAppend) -> Pending {
    opened.log.reserve().unwrap().enqueue(append, None)
}

/// A log whose statement hangs until `blocker` ends.
struct Hanging {
    opened: Opened,
    blocker: sqlx::Transaction<'static, sqlx::Postgres>,
    statement: Pending,
}

impl Hanging {
    /// `statement` follows an event of stream "first".
    async fn with(pool: &PgPool, statement: StreamAppend) -> Self {
        let opened = Opened::new(pool).await;
        enqueue(&opened, append("first", 0, 1)).await.unwrap();
        let mut blocker = pooling::begin(pool).await.unwrap();
        sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
        let statement = enqueue(&opened, statement);
        hangs(pool).await;
        Self {
            opened,
            blocker,
            statement,
        }
    }
}

async fn hangs(pool: &PgPool) {
    until("the statement hangs", async || {
        sessions(pool, SEQUENCER_WAITS).await == 1
    })
    .await;
}

async fn assert_chain(pool: &PgPool, expected: u64) {
    let verdict = verify_chain(pool).await.unwrap();
    assert!(
        matches!(verdict, Verdict::Verified { events, .. } if events == expected),
        "{verdict:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_planned_on_refused_bytes_is_judged_again(pool: PgPool) {
    let mut broken = append("broken", 0, 1);
    broken.events[0].payload = b"no json".to_vec();
    let hanging = Hanging::with(&pool, broken).await;
    let resting = enqueue(&hanging.opened, append("broken", 1, 1));
    // Of a stream that is known, so that it is planned at once.
    let others: Vec<Pending> = (1..=50)
        .map(|version| enqueue(&hanging.opened, append("first", version, 1)))
        .collect();
    hanging.blocker.commit().await.unwrap();

    assert!(matches!(hanging.statement.await, Err(AppendError::Rejected(_))));
    assert!(matches!(resting.await, Err(AppendError::Conflict { actual: 0, .. })));
    for (position, other) in (2..).zip(others) {
        assert_eq!(other.await.unwrap().position, position);
    }
    assert_chain(&pool, 51).await;
    hanging.opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_planned_on_a_statement_that_is_tried_again_follows_it(pool: PgPool) {
    let hanging = Hanging::with(&pool, append("first", 1, 2)).await;
    let ahead = enqueue(&hanging.opened, append("first", 3, 1));
    terminate(&pool, SEQUENCER_WAITS).await;
    hangs(&pool).await;
    hanging.blocker.commit().await.unwrap();

    assert_eq!(hanging.statement.await.unwrap().position, 3);
    assert_eq!(ahead.await.unwrap().position, 4);
    assert_chain(&pool, 4).await;
    hanging.opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_planned_on_a_fenced_statement_is_judged_again(pool: PgPool) {
    let mut hanging = Hanging::with(&pool, append("first", 1, 1)).await;
    let epoch = hanging.opened.log.epoch();
    let generation = Generation::in_epoch(epoch);
    let resting = hanging.opened.log.reserve().unwrap();
    let resting = resting.enqueue(append("first", 2, 1), Some(generation));
    // Loaded before somebody else appended to it: the version it expects is no longer that of the stream.
    let overtaken = hanging.opened.log.reserve().unwrap();
    let overtaken = overtaken.enqueue(append("foreign", 0, 1), Some(Generation::in_epoch(epoch)));
    let free = hanging.opened.log.reserve().unwrap();
    let free = free.enqueue(append("free", 0, 1), Some(Generation::in_epoch(epoch)));
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
        INSERT INTO events VALUES
            (2, 'counter', 'foreign', 1, 'counted', '1', '{}', '{}', now(), sha256(''));
        ALTER TABLE events ENABLE TRIGGER events_append_only",
    )
    .execute(&mut *hanging.blocker)
    .await
    .unwrap();
    hanging.blocker.commit().await.unwrap();

    assert!(matches!(hanging.statement.await, Err(AppendError::Unavailable(_))));
    assert!(matches!(resting.await, Err(AppendError::Conflict { actual: 1, .. })));
    assert!(matches!(overtaken.await, Err(AppendError::Conflict { actual: 1, .. })));
    assert_eq!(free.await.unwrap().position, 3);
    assert_ne!(hanging.opened.log.epoch(), epoch);
    hanging.opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_refused_ahead_is_answered_after_what_it_rests_on(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    let generation = Generation::in_epoch(opened.log.epoch());
    let mut blocker = pooling::begin(&pool).await.unwrap();
    sqlx::raw_sql("LOCK TABLE events").execute(&mut *blocker).await.unwrap();
    let permits = [opened.log.reserve().unwrap(), opened.log.reserve().unwrap()];
    let [statement, refused] = permits;
    let statement = statement.enqueue(append("a", 0, 1), Some(generation.clone()));
    hangs(&pool).await;
    let refused = refused.enqueue(append("a", 7, 1), Some(generation.clone()));
    until("it is refused", async || generation.is_broken()).await;
    // Who waits for the last of a stream's appends, and loads the aggregate then, has to find the others in the table.
    assert!(refused.known().is_none());
    blocker.commit().await.unwrap();

    assert!(matches!(refused.await, Err(AppendError::Conflict { actual: 1, .. })));
    assert_eq!(statement.known().unwrap().unwrap().position, 1);
    opened.close().await;
}
