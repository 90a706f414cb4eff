//! Made once, made again, and by two.

use std::sync::Arc;

use sqlx::PgPool;

use super::{Copied, Elsewhere, FORGET_COPY, head_is, recorded};
use crate::copied::CopyError;
use crate::leader::Leader;
use crate::tests::rules::at;
use crate::tests::support::{Opened, append, count, sql, stream, tamper, terminate, until};
use crate::{AppendError, EventLog as _, LogLimits, ManualClock, MemoryLog, Witness};

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

/// A page is on its way as a whole: where one event fails, those after it must.
#[tokio::test]
async fn what_has_a_place_is_recorded_there_or_not_at_all() {
    let log = MemoryLog::new();
    let copy = |id: &str, place: u64| {
        let permit = log.reserve().unwrap();
        permit.enqueue_at(append(id, 0, 1), at(1000), place)
    };
    assert_eq!(copy("a", 1).await.unwrap().position, 1);
    log.hold();
    let failed = [copy("b", 2), copy("c", 3)];
    log.fail_next_batch(AppendError::Unavailable("the outcome is unknown".to_owned()));
    log.release();
    for pending in failed.into_iter().chain([copy("d", 4), copy("e", 5)]) {
        let refused = pending.await;
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(copy("b", 2).await.unwrap().position, 2);
    let refused = copy("a", 2).await;
    assert!(refused.is_err(), "another one has that place");
    assert_eq!(log.head().await.unwrap().position, 2);
}

const OLDER_DUMP: &str =
    "DELETE FROM events WHERE position > 3; DELETE FROM log_origin; INSERT INTO log_origin SELECT * FROM dumped";

/// What a process saw last is in a file of its own, which is ahead of the copy then.
#[sqlx::test(migrations = "../migrations")]
async fn a_copy_from_an_older_dump_is_made_whole_before_it_is_held_against_the_witness(pool: PgPool) {
    let folder = std::env::temp_dir().join(format!("boxoffice-copy-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    let witness = Witness::at(folder.join("witness"));
    let source = Elsewhere::new();
    let open = async || {
        let opened = Copied::open_with(source.clone(), &pool, Some(witness.clone()));
        opened.await.unwrap()
    };
    for events in [0..3, 3..5] {
        let copied = open().await;
        copied.leads().await;
        for nth in events {
            recorded(&*copied.log, &format!("s{nth}"), 0).await;
        }
        copied.close().await;
        sql(&pool, "CREATE TABLE IF NOT EXISTS dumped AS SELECT * FROM log_origin")
            .await
            .unwrap();
    }
    assert_eq!(witness.read().unwrap().position, 5);
    tamper(&pool, OLDER_DUMP).await;
    let again = open().await;
    again.leads().await;
    assert_eq!(recorded(&*again.log, "a", 0).await, 6);
    again.close().await;
    assert_eq!(witness.read().unwrap().position, 6);

    // Unless it was lost on both sides.
    tamper(&pool, OLDER_DUMP).await;
    source.is_set_back(4).await;
    source.others_append(append("x", 0, 1)).await;
    let forked = open().await;
    until("it is found out", async || forked.log.fork().is_some()).await;
    assert_eq!(forked.log.fork().unwrap().seen.position, 6);
    assert_eq!(*forked.log.leader().borrow(), Leader::Nobody);
    forked.close().await;
    assert_eq!(witness.read().unwrap().position, 6, "it is not forgotten");
    std::fs::remove_dir_all(&folder).unwrap();
}
