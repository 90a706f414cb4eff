//! Nobody changes the log; and who does it all the same, is found out.

use sqlx::PgPool;

use super::support::*;
use crate::EventLog as _;
use crate::verify::{Verdict, verify_chain, verify_stretches};

async fn filled(pool: &PgPool) {
    let opened = Opened::new(pool).await;
    let outcomes = opened.log.append(vec![append("a", 0, 5), append("b", 0, 5)]).await;
    assert!(outcomes.into_iter().all(|outcome| outcome.is_ok()));
    opened.close().await;
}

async fn broken_at(pool: &PgPool) -> u64 {
    match verify_chain(pool).await.unwrap() {
        Verdict::Broken { position, .. } => position,
        Verdict::Verified { .. } => panic!("nothing was noticed"),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_but_the_sequencer_writes_and_nobody_changes(pool: PgPool) {
    filled(&pool).await;
    let insert = "INSERT INTO events SELECT 11, 'counter', 'c', 1, event_type, event_version, payload, metadata,
        recorded_at, hash FROM events WHERE position = 1";
    for statement in [
        insert,
        "UPDATE events SET payload = '{}' WHERE position = 3",
        "DELETE FROM events WHERE position = 10",
        "DELETE FROM events WHERE false",
        "TRUNCATE events",
        "SET ROLE boxoffice_sequencer; UPDATE events SET payload = '{}' WHERE position = 3",
        "SET ROLE boxoffice_sequencer; DELETE FROM events",
        "SET ROLE boxoffice_sequencer; TRUNCATE events",
    ] {
        let error = sql(&pool, statement).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap();
        assert_eq!(code, "42501", "{statement}");
    }
    assert!(matches!(
        verify_chain(&pool).await.unwrap(),
        Verdict::Verified { events: 10, head } if head.position == 10
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_log_is_verified(pool: PgPool) {
    assert!(matches!(
        verify_chain(&pool).await.unwrap(),
        Verdict::Verified { events: 0, .. }
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_edited_event_is_named(pool: PgPool) {
    filled(&pool).await;
    for (position, edit) in [
        (9, r#"payload = '{"n": 4}'"#),
        (8, r"metadata = '{ }'"),
        (7, "recorded_at = recorded_at + interval '1 microsecond'"),
        (6, "aggregate_id = 'c'"),
        (5, "event_type = 'discounted'"),
        (4, "event_version = '2'"),
        (3, "sequence = 30"),
        (2, "hash = sha256('')"),
    ] {
        tamper(&pool, &format!("UPDATE events SET {edit} WHERE position = {position}")).await;
        assert_eq!(broken_at(&pool).await, position, "{edit}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_missing_event_is_named(pool: PgPool) {
    filled(&pool).await;
    tamper(&pool, "DELETE FROM events WHERE position = 4").await;
    assert_eq!(broken_at(&pool).await, 4);
    tamper(&pool, "DELETE FROM events WHERE position = 1").await;
    assert_eq!(broken_at(&pool).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_edit_is_named_wherever_stretches_meet(pool: PgPool) {
    filled(&pool).await;
    assert!(matches!(
        verify_stretches(&pool, 3).await.unwrap(),
        Verdict::Verified { events: 10, head } if head.position == 10
    ));
    for (position, edit) in [
        (9, "event_version = '2'"),
        (7, "event_version = '2'"),
        (6, "hash = sha256('')"),
        (4, "recorded_at = recorded_at - interval '1 microsecond'"),
        (3, "event_type = 'discounted'"),
    ] {
        tamper(&pool, &format!("UPDATE events SET {edit} WHERE position = {position}")).await;
        for length in [1, 2, 3, 4, 100] {
            assert_eq!(first_flaw(&pool, length).await.0, position, "in stretches of {length}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_gap_is_named_wherever_stretches_meet(pool: PgPool) {
    filled(&pool).await;
    tamper(&pool, "DELETE FROM events WHERE position IN (3, 4, 5, 6)").await;
    for length in [1, 2, 3, 4, 100] {
        let flaw = first_flaw(&pool, length).await;
        assert_eq!(
            flaw,
            (3, "missing: the log goes on at 7".to_owned()),
            "in stretches of {length}"
        );
    }
}

async fn first_flaw(pool: &PgPool, length: u64) -> (u64, String) {
    match verify_stretches(pool, length).await.unwrap() {
        Verdict::Broken { position, reason } => (position, reason),
        Verdict::Verified { .. } => panic!("nothing was noticed"),
    }
}
