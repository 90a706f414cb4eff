//! Two processes and one log.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::hall::{Hall, HallCommand, HallError, sell};
use super::support::*;
use crate::verify::{Verdict, verify_chain};
use crate::{AppendError, Appended, EventLog, ExecuteError, Executor, LogLimits};

/// A process that does not see the other one's lock: both believe they lead, as after a lost connection.
fn blind() -> LogLimits {
    LogLimits {
        leader_lock: 1,
        ..unasking()
    }
}

/// A process that, while it rests, does not ask where the log ends, and trusts its memory: it finds out when it appends.
fn unasking() -> LogLimits {
    LogLimits {
        idle_check: Duration::from_mins(10),
        lease: Duration::from_mins(10),
        ..LogLimits::default()
    }
}

/// Opens the log beside another process that leads it, and waits until this one believes to lead it too. It does not wait until
/// the other one's lease is over.
async fn open_beside(pool: &PgPool, limits: LogLimits) -> Opened {
    sql(pool, "UPDATE log_leader SET resigned_at = now()").await.unwrap();
    let opened = Opened::with(pool, limits).await;
    until("it leads", async || opened.log.is_leading()).await;
    opened
}

async fn append_to(opened: &Opened, id: &str, version: u64) -> Result<Appended, AppendError> {
    opened.log.append(vec![append(id, version, 1)]).await.remove(0)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stale_leader_is_fenced_and_catches_up(pool: PgPool) {
    let one = Opened::with(&pool, unasking()).await;
    let other = open_beside(&pool, blind()).await;
    assert_eq!(append_to(&one, "a", 0).await.unwrap().position, 1);

    let epoch = other.log.epoch();
    let error = append_to(&other, "b", 0).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    until("it has read the end again", async || other.log.epoch() != epoch).await;
    assert_eq!(append_to(&other, "b", 0).await.unwrap().position, 2);

    let error = append_to(&one, "a", 1).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    let events = one.log.read_all(0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2]);
    one.close().await;
    other.close().await;
}

/// Without an append of its own: what it is asked, and the jobs it does, would rest on what is out of date.
#[sqlx::test(migrations = "../migrations")]
async fn a_stale_leader_that_rests_finds_out_by_itself(pool: PgPool) {
    let asking = LogLimits {
        leader_lock: 1,
        ..LogLimits::default()
    };
    let resting = Opened::with(&pool, asking).await;
    let other = open_beside(&pool, unasking()).await;
    let epoch = resting.log.epoch();
    append_to(&other, "a", 0).await.unwrap();
    until("it has read the end again", async || {
        resting.log.epoch().is_some_and(|now| Some(now) != epoch)
    })
    .await;
    assert_eq!(append_to(&resting, "a", 1).await.unwrap().position, 2);
    resting.close().await;
    other.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stale_leader_that_is_shown_an_event_forgets_what_it_knew(pool: PgPool) {
    let other = Opened::with(&pool, unasking()).await;
    let resting = open_beside(&pool, blind()).await;
    let position = append_to(&other, "a", 0).await.unwrap().position;
    let epoch = resting.log.epoch();
    assert!(epoch.is_some());
    resting.log.observe(position);
    let turned = resting.log.epoch();
    assert_ne!(turned, epoch);
    resting.log.observe(position);
    assert_eq!(resting.log.epoch(), turned, "it knew that already");
    other.log.observe(position);
    assert_eq!(append_to(&other, "a", 1).await.unwrap().position, 2);
    resting.close().await;
    other.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_leaders_never_confirm_the_same_position(pool: PgPool) {
    let one = Opened::new(&pool).await;
    let other = open_beside(&pool, blind()).await;
    let work = |opened: &Opened, prefix: &'static str| {
        let log = opened.port();
        async move {
            let mut confirmed = Vec::new();
            for nth in 0..100 {
                let outcome = log
                    .append(vec![append(&format!("{prefix}{nth}"), 0, 1)])
                    .await
                    .remove(0);
                match outcome {
                    Ok(appended) => confirmed.push((appended.position, format!("{prefix}{nth}"))),
                    Err(error) => assert!(matches!(error, AppendError::Unavailable(_)), "{error}"),
                }
            }
            confirmed
        }
    };
    let (mut confirmed, of_other) = tokio::join!(work(&one, "one"), work(&other, "other"));
    assert!(!confirmed.is_empty() || !of_other.is_empty());
    confirmed.extend(of_other);
    confirmed.sort();
    let events = one.log.read_all(0, 1000).await.unwrap();
    let recorded: Vec<(u64, String)> = events
        .into_iter()
        .map(|event| (event.position, event.aggregate_id))
        .collect();
    assert_eq!(confirmed, recorded);
    assert!(matches!(verify_chain(&pool).await.unwrap(), Verdict::Verified { .. }));
    one.close().await;
    other.close().await;
}

/// Nothing is written, and the fork is known, until what was seen is there again.
async fn stands_back(opened: &Opened, version: u64, positions: u64) {
    let error = append_to(opened, "a", version).await.unwrap_err();
    assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    until("the fork is known", async || opened.log.fork().is_some()).await;
    for version in [version - 1, version] {
        let error = append_to(opened, "a", version).await.unwrap_err();
        assert!(matches!(error, AppendError::Unavailable(_)), "{error}");
    }
    assert!(!opened.log.is_leading());
    assert_eq!(opened.log.head().await.unwrap().position, positions);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_lost_its_tail_is_not_written_over(pool: PgPool) {
    let opened = Opened::with(&pool, unasking()).await;
    for version in 0..3 {
        append_to(&opened, "a", version).await.unwrap();
    }
    sql(&pool, "CREATE TABLE found AS SELECT * FROM events").await.unwrap();
    tamper(&pool, "DELETE FROM events WHERE position = 3").await;
    stands_back(&opened, 3, 2).await;
    tamper(
        &pool,
        "INSERT INTO events SELECT * FROM found ORDER BY position OFFSET 2",
    )
    .await;
    // It may have read the end just before, and is then fenced once more.
    until("it leads again", async || append_to(&opened, "a", 3).await.is_ok()).await;
    assert_eq!(opened.log.fork(), None);
    assert_eq!(opened.log.head().await.unwrap().position, 4);

    // The same number of events, but another history.
    tamper(&pool, "UPDATE events SET hash = sha256('') WHERE position = 4").await;
    stands_back(&opened, 4, 4).await;
    opened.close().await;
}

/// Its line breaks at the same moment: it gets a new one to a server that lacks what it was told last.
#[sqlx::test(migrations = "../migrations")]
async fn a_leader_that_is_connected_to_a_shorter_log_does_not_go_on(pool: PgPool) {
    let opened = Opened::with(&pool, unasking()).await;
    for version in 0..3 {
        append_to(&opened, "a", version).await.unwrap();
    }
    tamper(&pool, "DELETE FROM events WHERE position = 3").await;
    terminate(&pool, "application_name = 'boxoffice-sequencer'").await;
    stands_back(&opened, 3, 2).await;
    opened.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_follower_refuses_reads_afresh_and_takes_over(pool: PgPool) {
    let leader = Opened::new(&pool).await;
    let follower = Opened::with(
        &pool,
        LogLimits {
            startup_wait: Duration::from_millis(100),
            ..LogLimits::default()
        },
    )
    .await;
    let (led, followed): (Executor<Hall>, Executor<Hall>) =
        (Executor::new(leader.port()), Executor::new(follower.port()));
    let id = Uuid::nil();
    for sold in 1..=2 {
        led.execute(id, sell(), metadata()).await.unwrap();
        assert_eq!(followed.read(id, |hall| hall.sold).await.unwrap(), (sold, sold));
    }
    let refused = followed.execute(id, sell(), metadata()).await;
    assert!(matches!(refused, Err(ExecuteError::Unavailable(_))), "{refused:?}");

    leader.close().await;
    until("the follower leads", async || follower.log.is_leading()).await;
    let refused = followed
        .execute(id, HallCommand::Sell { seats: 1, of: 2 }, metadata())
        .await;
    assert!(
        matches!(refused, Err(ExecuteError::Refused(HallError::SoldOut))),
        "{refused:?}"
    );
    assert_eq!(followed.execute(id, sell(), metadata()).await.unwrap().position, 3);
    follower.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_leader_whose_idle_session_is_killed_leads_again(pool: PgPool) {
    let opened = Opened::new(&pool).await;
    append_to(&opened, "a", 0).await.unwrap();
    terminate(&pool, "application_name = 'boxoffice-sequencer'").await;
    assert_eq!(append_to(&opened, "a", 1).await.unwrap().position, 2);
    terminate(&pool, "application_name = 'boxoffice-sequencer'").await;
    until("somebody leads again", async || {
        sessions(&pool, "application_name = 'boxoffice-sequencer'").await == 1
    })
    .await;
    until("it takes appends", async || opened.log.is_leading()).await;
    assert_eq!(append_to(&opened, "b", 0).await.unwrap().position, 3);
    opened.close().await;
}
