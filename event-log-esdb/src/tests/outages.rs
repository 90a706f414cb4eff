//! What the engine does on a bad day: nothing acknowledged is lost, nothing is recorded twice, what hangs is given up.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::{EsdbFake, Fault};
use event_log::{AppendError, EventLog, ReadError, SystemClock};
use tokio_util::task::TaskTracker;

use super::rules::{append, stream};
use super::support::Opened;

async fn sequences(opened: &Opened, id: &str) -> Vec<u64> {
    let events = opened.log.read_stream(&stream(id), 0, 100).await.unwrap();
    events.iter().map(|event| event.sequence).collect()
}

/// The append goes wrong as said, and comes to the same end as if it had not.
async fn comes_to_the_same_end(fault: Fault) {
    let opened = Opened::new().await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.fake().faults().next(fault.clone());
    let appended = opened.log.append(vec![append("a", 1, 2)]).await.remove(0).unwrap();
    assert_eq!(appended.last_sequence, 3, "{fault:?}");
    assert_eq!(sequences(&opened, "a").await, [1, 2, 3], "{fault:?}");
    let head = opened.log.head().await.unwrap();
    assert_eq!(appended.position, head.position, "{fault:?}");
    opened.close().await;
}

#[tokio::test]
async fn an_append_in_doubt_is_recorded_once() {
    comes_to_the_same_end(Fault::StoredButUnavailable).await;
}

#[tokio::test]
async fn an_append_that_was_not_stored_is_sent_again() {
    comes_to_the_same_end(Fault::Unavailable).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_asked_for_again() {
    comes_to_the_same_end(Fault::StoredAndSilent).await;
}

#[tokio::test]
async fn a_late_answer_is_waited_for() {
    comes_to_the_same_end(Fault::Delayed(Duration::from_millis(100))).await;
}

#[tokio::test]
async fn a_position_that_was_not_said_is_read() {
    comes_to_the_same_end(Fault::WithoutPosition).await;
}

#[tokio::test]
async fn a_node_that_does_not_lead_names_the_one_that_does() {
    let leader = EsdbFake::start().unwrap();
    let follower = EsdbFake::join(Arc::clone(leader.store())).unwrap();
    let opened = Opened::on(follower, Arc::new(SystemClock)).await;
    // It would say so for ever; the leader is asked from the second time on.
    for _ in 0..3 {
        opened.fake().faults().next(Fault::NotLeader {
            host: leader.address().ip().to_string(),
            port: leader.address().port(),
        });
    }
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.log.append(vec![append("a", 1, 1)]).await.remove(0).unwrap();
    assert_eq!(sequences(&opened, "a").await, [1, 2]);
    assert_eq!(leader.store().all().len(), 2);
    opened.close().await;
}

#[tokio::test]
async fn a_conflict_after_doubt_is_a_conflict_if_somebody_else_was_faster() {
    let opened = Opened::new().await;
    let rival = Opened::on(
        EsdbFake::join(Arc::clone(opened.fake().store())).unwrap(),
        Arc::new(SystemClock),
    )
    .await;
    rival.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.fake().faults().next(Fault::Unavailable);
    let refused = opened.log.append(vec![append("a", 0, 1)]).await.remove(0);
    assert!(
        matches!(refused, Err(AppendError::Conflict { actual: 1, .. })),
        "{refused:?}"
    );
    assert_eq!(sequences(&opened, "a").await, [1]);
    opened.close().await;
    rival.close().await;
}

#[tokio::test]
async fn what_others_append_wakes_and_begins_an_epoch() {
    let opened = Opened::new().await;
    let rival = Opened::on(
        EsdbFake::join(Arc::clone(opened.fake().store())).unwrap(),
        Arc::new(SystemClock),
    )
    .await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    let before = opened.log.epoch();
    let appended = rival.log.append(vec![append("b", 0, 1)]).await.remove(0).unwrap();
    let mut wake = opened.log.wake();
    let woken = wake.wait_for(|position| *position >= appended.position);
    tokio::time::timeout(super::rules::PATIENCE, woken)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(opened.log.epoch(), before);
    opened.close().await;
    rival.close().await;
}

#[tokio::test]
async fn an_engine_that_comes_back_finds_the_append_waiting() {
    let opened = Opened::new().await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    let (store, address) = (Arc::clone(opened.fake().store()), opened.fake().address());
    let opened = opened.lose_engine();
    let log = Arc::clone(&opened.log);
    let waiting = TaskTracker::new().spawn(async move { log.append(vec![append("a", 1, 1)]).await.remove(0) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    let opened = opened.with_engine(EsdbFake::listen(store, address).unwrap());
    assert_eq!(waiting.await.unwrap().unwrap().last_sequence, 2);
    assert_eq!(sequences(&opened, "a").await, [1, 2]);
    opened.close().await;
}

#[tokio::test]
async fn an_event_that_was_changed_is_not_read() {
    let opened = Opened::new().await;
    let appended = opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened
        .fake()
        .store()
        .tamper(appended.position, |event| event.data = br#"{"n":2}"#.to_vec());
    let read = opened.log.read_all(0, 10).await;
    assert!(
        matches!(read, Err(ReadError::Corrupt { position, .. }) if position == appended.position),
        "{read:?}"
    );
    opened.close().await;
}

#[tokio::test]
async fn an_append_that_the_engine_refuses_fails_alone() {
    let opened = Opened::new().await;
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    // Gathered behind one that is under way, they are sent together.
    opened.fake().faults().next(Fault::Delayed(Duration::from_millis(100)));
    opened.fake().faults().next(Fault::Refused);
    opened.fake().faults().next(Fault::Refused);
    let outcomes = opened
        .log
        .append(vec![
            append("a", 1, 1),
            append("a", 2, 1),
            append("a", 2, 1),
            append("a", 3, 1),
        ])
        .await;
    assert_eq!(outcomes[0].as_ref().unwrap().last_sequence, 2);
    assert!(matches!(outcomes[1], Err(AppendError::Rejected(_))), "{outcomes:?}");
    assert_eq!(outcomes[2].as_ref().unwrap().last_sequence, 3);
    assert_eq!(outcomes[3].as_ref().unwrap().last_sequence, 4);
    assert_eq!(sequences(&opened, "a").await, [1, 2, 3, 4]);
    opened.close().await;
}

#[tokio::test]
async fn an_engine_that_stays_away_is_said_to_be() {
    let opened = Opened::new().await;
    for _ in 0..1000 {
        opened.fake().faults().next(Fault::Unavailable);
    }
    let refused = opened.log.append(vec![append("a", 0, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(sequences(&opened, "a").await.is_empty());
    opened.close().await;
}
