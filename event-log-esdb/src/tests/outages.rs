//! What the engine does on a bad day: nothing acknowledged is lost, nothing is recorded twice, what hangs is given up.

use std::sync::Arc;
use std::time::Duration;

use esdb_fake::{EsdbFake, Fault, ReadFault};
use event_log::{AppendError, Clock as _, ReadError, SystemClock};
use tokio_util::task::TaskTracker;

use super::rules::{PATIENCE, append, stream};
use super::support::{By, Opened, by_each};

by_each! {
    an_append_in_doubt_is_recorded_once
    an_append_that_was_not_stored_is_sent_again
    an_answer_that_never_comes_is_asked_for_again
    a_late_answer_is_waited_for
    a_position_that_was_not_said_is_read
    a_node_that_does_not_lead_names_the_one_that_does
    a_conflict_after_doubt_is_a_conflict_if_somebody_else_was_faster
    an_engine_that_comes_back_finds_the_append_waiting
    an_event_that_was_changed_is_not_read
    an_append_that_the_engine_refuses_fails_alone
    a_refusal_after_doubt_is_none_if_it_was_recorded
    a_refusal_after_doubt_is_one_if_it_was_not
    what_is_judged_alone_keeps_its_ids
    an_engine_that_stays_away_is_said_to_be
    a_read_that_hangs_is_given_up
    a_read_that_fails_is_said_to
    a_late_read_is_waited_for
    an_append_in_doubt_whose_stream_cannot_be_read_is_recorded_once
}

async fn sequences(opened: &Opened, id: &str) -> Vec<u64> {
    let events = opened.log.read_stream(&stream(id), 0, 100).await.unwrap();
    events.iter().map(|event| event.sequence).collect()
}

/// The append goes wrong as said, and comes to the same end as if it had not.
async fn comes_to_the_same_end(opened: Opened, fault: Fault) {
    opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    opened.fake().faults().next(fault.clone());
    let appended = opened.log.append(vec![append("a", 1, 2)]).await.remove(0).unwrap();
    assert_eq!(appended.last_sequence, 3, "{fault:?}");
    assert_eq!(sequences(&opened, "a").await, [1, 2, 3], "{fault:?}");
    let head = opened.log.head().await.unwrap();
    assert_eq!(appended.position, head.position, "{fault:?}");
    opened.close().await;
}

async fn an_append_in_doubt_is_recorded_once(by: By) {
    comes_to_the_same_end(Opened::new(by).await, Fault::StoredButUnavailable).await;
}

async fn an_append_that_was_not_stored_is_sent_again(by: By) {
    comes_to_the_same_end(Opened::new(by).await, Fault::Unavailable).await;
}

async fn an_answer_that_never_comes_is_asked_for_again(by: By) {
    comes_to_the_same_end(Opened::hasty(by).await, Fault::StoredAndSilent).await;
}

async fn a_late_answer_is_waited_for(by: By) {
    comes_to_the_same_end(Opened::new(by).await, Fault::Delayed(Duration::from_millis(100))).await;
}

async fn a_position_that_was_not_said_is_read(by: By) {
    comes_to_the_same_end(Opened::new(by).await, Fault::WithoutPosition).await;
}

async fn a_node_that_does_not_lead_names_the_one_that_does(by: By) {
    let leader = EsdbFake::start().unwrap();
    let follower = EsdbFake::join(Arc::clone(leader.store())).unwrap();
    let opened = Opened::on(follower, Arc::new(SystemClock), by).await;
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

async fn a_conflict_after_doubt_is_a_conflict_if_somebody_else_was_faster(by: By) {
    let opened = Opened::new(by).await;
    let rival = opened.rival(by).await;
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

async fn an_engine_that_comes_back_finds_the_append_waiting(by: By) {
    let opened = Opened::new(by).await;
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

async fn an_event_that_was_changed_is_not_read(by: By) {
    let opened = Opened::new(by).await;
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

async fn an_append_that_the_engine_refuses_fails_alone(by: By) {
    let opened = Opened::new(by).await;
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

async fn a_refusal_after_doubt_is_none_if_it_was_recorded(by: By) {
    for refusal in [Fault::Denied, Fault::Refused] {
        let opened = Opened::new(by).await;
        // The others are gathered behind the first and sent together.
        opened.fake().faults().next(Fault::Delayed(Duration::from_millis(100)));
        opened.fake().faults().next(Fault::StoredButUnavailable);
        opened.fake().faults().next(refusal.clone());
        let appends = [append("a", 0, 1), append("a", 1, 1), append("a", 2, 2)];
        let outcomes = opened.log.append(appends.to_vec()).await;
        assert_eq!(outcomes[1].as_ref().unwrap().last_sequence, 2, "{refusal:?}");
        assert_eq!(outcomes[2].as_ref().unwrap().last_sequence, 4, "{refusal:?}");
        assert_eq!(sequences(&opened, "a").await, [1, 2, 3, 4], "{refusal:?}");
        opened.close().await;
    }
}

async fn a_refusal_after_doubt_is_one_if_it_was_not(by: By) {
    let opened = Opened::new(by).await;
    opened.fake().faults().next(Fault::Unavailable);
    opened.fake().faults().next(Fault::Denied);
    let refused = opened.log.append(vec![append("a", 0, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Rejected(_))), "{refused:?}");
    assert!(sequences(&opened, "a").await.is_empty());
    opened.close().await;
}

/// Refused together, recorded by an engine that did not say so, and sent again one by one.
async fn what_is_judged_alone_keeps_its_ids(by: By) {
    let opened = Opened::new(by).await;
    opened.fake().faults().next(Fault::Delayed(Duration::from_millis(100)));
    opened.fake().faults().next(Fault::StoredButRefused);
    let appends = [append("a", 0, 1), append("a", 1, 1), append("a", 2, 2)];
    let outcomes = opened.log.append(appends.to_vec()).await;
    assert_eq!(outcomes[1].as_ref().unwrap().last_sequence, 2);
    assert_eq!(outcomes[2].as_ref().unwrap().last_sequence, 4);
    assert_eq!(sequences(&opened, "a").await, [1, 2, 3, 4]);
    opened.close().await;
}

async fn an_engine_that_stays_away_is_said_to_be(by: By) {
    let opened = Opened::new(by).await;
    for _ in 0..1000 {
        opened.fake().faults().next(Fault::Unavailable);
    }
    let refused = opened.log.append(vec![append("a", 0, 1)]).await.remove(0);
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(sequences(&opened, "a").await.is_empty());
    opened.close().await;
}

/// Each way to read, with the fault on its way.
async fn reads(opened: &Opened, position: u64, fault: ReadFault) -> Vec<Result<usize, ReadError>> {
    let log = &opened.log;
    let mut outcomes = Vec::new();
    opened.fake().faults().next_read(fault);
    let in_stream = log.read_stream(&stream("a"), 0, 10).await;
    outcomes.push(in_stream.map(|events| events.len()));
    opened.fake().faults().next_read(fault);
    outcomes.push(log.read_all(0, 10).await.map(|events| events.len()));
    opened.fake().faults().next_read(fault);
    outcomes.push(log.read_at(&[position]).await.map(|events| events.len()));
    opened.fake().faults().next_read(fault);
    outcomes.push(log.head().await.map(|head| usize::from(head.position == position)));
    opened.fake().faults().next_read(fault);
    let time = SystemClock.now();
    outcomes.push(log.position_at(time).await.map(|found| usize::from(found == position)));
    outcomes
}

async fn with_one_event(opened: Opened) -> (Opened, u64) {
    let appended = opened.log.append(vec![append("a", 0, 1)]).await.remove(0).unwrap();
    (opened, appended.position)
}

/// And nothing of it is left behind for the next call.
async fn is_said_to_be_away(opened: Opened, fault: ReadFault) {
    let (opened, position) = with_one_event(opened).await;
    let reads = reads(&opened, position, fault);
    for outcome in tokio::time::timeout(PATIENCE, reads).await.unwrap() {
        assert!(matches!(outcome, Err(ReadError::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(sequences(&opened, "a").await, [1]);
    opened.close().await;
}

async fn a_read_that_hangs_is_given_up(by: By) {
    is_said_to_be_away(Opened::hasty(by).await, ReadFault::Silent).await;
}

async fn a_read_that_fails_is_said_to(by: By) {
    is_said_to_be_away(Opened::new(by).await, ReadFault::Unavailable).await;
}

async fn a_late_read_is_waited_for(by: By) {
    let (opened, position) = with_one_event(Opened::new(by).await).await;
    let late = ReadFault::Delayed(Duration::from_millis(50));
    for outcome in reads(&opened, position, late).await {
        assert_eq!(outcome.unwrap(), 1);
    }
    opened.close().await;
}

/// What was sent twice is looked for, and that goes wrong as well.
async fn an_append_in_doubt_whose_stream_cannot_be_read_is_recorded_once(by: By) {
    for fault in [ReadFault::Unavailable, ReadFault::Silent] {
        let (opened, _) = with_one_event(Opened::hasty(by).await).await;
        opened.fake().faults().next_read(fault);
        opened.fake().faults().next(Fault::StoredButUnavailable);
        let appended = opened.log.append(vec![append("a", 1, 1)]).await.remove(0).unwrap();
        assert_eq!(appended.last_sequence, 2);
        assert_eq!(sequences(&opened, "a").await, [1, 2]);
        opened.close().await;
    }
}
