//! What every log promises, as rules that are held against each of them. Another crate with a log of its own takes this file in
//! and runs the same list.
//!
//! A rule about numbers is about the order they make; that positions are 1, 2, 3 is held against logs that promise it; that a hash goes on from the one before, too.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use event_log::chain::{self, Leaf};
use event_log::pipeline::{Generation, Outcome};
use event_log::{AppendError, EventLog, Head, ManualClock, NewEvent, StreamAppend, StreamId};

/// Nothing that a test waits for takes this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Hands the names of all rules to a macro.
macro_rules! each_rule {
    ($with:ident) => {
        $with! {
            positions_grow_and_streams_count_for_themselves
            a_wrong_version_is_a_conflict
            each_append_of_a_batch_is_judged_alone
            stored_bytes_are_the_bytes_that_were_given
            reads_are_paged
            events_are_read_by_their_positions
            a_time_names_the_last_position_recorded_by_then
            followers_are_woken_when_it_is_durable
            whoever_is_answered_knows_how_far_the_log_is_durable
            appends_can_follow_one_another_without_waiting
            what_rests_on_a_failed_append_is_not_recorded
            malformed_events_fail_alone
            an_append_without_events_is_rejected
            a_stream_id_with_a_nul_is_rejected
            every_event_is_hashed_and_chained_where_promised
        }
    };
}
pub(super) use each_rule;

pub(super) fn stream(id: &str) -> StreamId {
    StreamId {
        aggregate_type: "counter",
        aggregate_id: Arc::from(id),
    }
}

pub(super) fn event(payload: impl Into<Vec<u8>>) -> NewEvent {
    NewEvent {
        event_type: Cow::Borrowed("counted"),
        event_version: Cow::Borrowed("1"),
        payload: payload.into(),
    }
}

/// An append of `count` events to a stream.
pub(super) fn append(id: &str, expected_version: u64, count: u64) -> StreamAppend {
    StreamAppend {
        stream: stream(id),
        expected_version,
        events: (1..=count)
            .map(|nth| event(format!("{{\"n\":{}}}", expected_version + nth)))
            .collect(),
        metadata: Arc::from(&b"{}"[..]),
    }
}

pub(super) async fn positions_grow_and_streams_count_for_themselves(log: Arc<dyn EventLog>) {
    let outcomes = log
        .append(vec![append("a", 0, 2), append("b", 0, 1), append("a", 2, 1)])
        .await;
    let ends: Vec<(u64, u64)> = outcomes
        .into_iter()
        .map(Result::unwrap)
        .map(|appended| (appended.last_sequence, appended.position))
        .collect();
    let events = log.read_all(0, 10).await.unwrap();
    assert_eq!(events.len(), 4);
    assert!(events.is_sorted_by(|one, next| one.position < next.position));
    for (id, sequence, end) in [("a", 2, ends[0]), ("b", 1, ends[1]), ("a", 3, ends[2])] {
        let event = events.iter().find(|event| event.position == end.1).unwrap();
        assert_eq!(
            (event.aggregate_id.as_str(), event.sequence, sequence),
            (id, end.0, sequence)
        );
    }
    let of_a = events.iter().filter(|event| event.aggregate_id == "a");
    let read: Vec<_> = of_a.map(|event| (event.sequence, event.payload.as_str())).collect();
    assert_eq!(read, [(1, r#"{"n":1}"#), (2, r#"{"n":2}"#), (3, r#"{"n":3}"#)]);
    if log.capabilities().contiguous_positions {
        assert_eq!(ends, [(2, 2), (1, 3), (3, 4)]);
        assert!(events.iter().map(|event| event.position).eq(1..=4));
    }
}

pub(super) async fn a_wrong_version_is_a_conflict(log: Arc<dyn EventLog>) {
    append_one(&log, append("a", 0, 2)).await.unwrap();
    for wrong in [0, 1, 3] {
        let error = append_one(&log, append("a", wrong, 1)).await.unwrap_err();
        assert!(
            matches!(error, AppendError::Conflict { expected, actual: 2, .. } if expected == wrong),
            "{error}"
        );
    }
    let error = append_one(&log, append("new", 1, 1)).await.unwrap_err();
    assert!(matches!(error, AppendError::Conflict { actual: 0, .. }), "{error}");
    assert_eq!(positions(&log).await.len(), 2);
}

pub(super) async fn each_append_of_a_batch_is_judged_alone(log: Arc<dyn EventLog>) {
    let outcomes = log
        .append(vec![
            append("a", 0, 1),
            append("b", 7, 1),
            append("c", 0, 1),
            append("a", 1, 1),
        ])
        .await;
    assert!(matches!(outcomes[1], Err(AppendError::Conflict { .. })));
    let mut recorded: Vec<u64> = outcomes
        .into_iter()
        .flatten()
        .map(|appended| appended.position)
        .collect();
    recorded.sort_unstable();
    assert_eq!(recorded.len(), 3);
    assert_eq!(recorded, positions(&log).await);
}

pub(super) async fn stored_bytes_are_the_bytes_that_were_given(log: Arc<dyn EventLog>) {
    let payloads = [
        r#"{"zeta":1E2,"a":"x"}"#,
        r#"{"twice":1,"twice":2}"#,
        r#"{"big":18446744073709551615,"odd":9007199254740993}"#,
        r#" {  "spaced" : [ 1 , 2.50 ] } "#,
        r#"{"nul":"\u0000","umlaut":"ä","escaped":"\u00e4"}"#,
    ];
    let given = StreamAppend {
        events: payloads.iter().map(|payload| event(*payload)).collect(),
        metadata: Arc::from(&br#"{"b":"1", "a":"2"}"#[..]),
        ..append("a", 0, 0)
    };
    append_one(&log, given).await.unwrap();
    for events in [log.read_all(0, 10).await, log.read_stream(&stream("a"), 0, 10).await] {
        let events = events.unwrap();
        assert!(events.iter().map(|event| event.payload.as_str()).eq(payloads));
        assert!(events.iter().all(|event| event.metadata == r#"{"b":"1", "a":"2"}"#));
        assert!(
            events
                .iter()
                .all(|event| event.event_type == "counted" && event.event_version == "1")
        );
    }
}

pub(super) async fn reads_are_paged(log: Arc<dyn EventLog>) {
    append_one(&log, append("a", 0, 5)).await.unwrap();
    append_one(&log, append("b", 0, 5)).await.unwrap();
    let all = positions(&log).await;
    assert_eq!(all.len(), 10);
    let page = log.read_all(all[2], 4).await.unwrap();
    assert!(page.iter().map(|event| event.position).eq(all[3..7].iter().copied()));
    let page = log.read_stream(&stream("b"), 2, 2).await.unwrap();
    assert!(page.iter().map(|event| event.sequence).eq(3..=4));
    assert!(log.read_all(all[9], 4).await.unwrap().is_empty());
    assert!(log.read_all(u64::MAX, 4).await.unwrap().is_empty());
    assert!(log.read_stream(&stream("none"), 0, 4).await.unwrap().is_empty());
}

pub(super) async fn followers_are_woken_when_it_is_durable(log: Arc<dyn EventLog>) {
    assert_eq!(log.head().await.unwrap(), Head::EMPTY);
    let mut wake = log.wake();
    wake.mark_unchanged();
    let appended = append_one(&log, append("a", 0, 3)).await.unwrap();
    tokio::time::timeout(PATIENCE, wake.wait_for(|position| *position >= appended.position))
        .await
        .unwrap()
        .unwrap();
    let last = log.read_at(&[appended.position]).await.unwrap().remove(0);
    assert_eq!(last.sequence, 3);
    let head = Head {
        position: appended.position,
        hash: last.hash,
    };
    assert_eq!(log.head().await.unwrap(), head);
}

/// What the log said when an answer came.
struct AtTheAnswer {
    durable: tokio::sync::watch::Receiver<u64>,
    said: std::sync::Mutex<Option<u64>>,
}

impl std::task::Wake for AtTheAnswer {
    fn wake(self: Arc<Self>) {
        *self.said.lock().unwrap() = Some(*self.durable.borrow());
    }
}

/// In the moment of the answer: who then reads waits for as much of the log as it says to be durable.
pub(super) async fn whoever_is_answered_knows_how_far_the_log_is_durable(log: Arc<dyn EventLog>) {
    let moment = Arc::new(AtTheAnswer {
        durable: log.wake(),
        said: std::sync::Mutex::default(),
    });
    let mut pending = log.reserve().unwrap().enqueue(append("a", 0, 2), None);
    let waker = std::task::Waker::from(Arc::clone(&moment));
    let polled = std::pin::Pin::new(&mut pending).poll(&mut std::task::Context::from_waker(&waker));
    let position = match polled {
        // Answered within the call.
        std::task::Poll::Ready(outcome) => {
            moment.said.lock().unwrap().replace(*log.wake().borrow());
            outcome.unwrap().position
        }
        std::task::Poll::Pending => pending.await.unwrap().position,
    };
    assert_eq!(*moment.said.lock().unwrap(), Some(position));
}

pub(super) async fn appends_can_follow_one_another_without_waiting(log: Arc<dyn EventLog>) {
    let generation = Generation::default();
    let mut pending = Vec::new();
    for version in 0..100 {
        let permit = log.reserve().unwrap();
        pending.push(permit.enqueue(append("a", version, 1), Some(generation.clone())));
    }
    let mut ends = Vec::new();
    for pending in pending {
        ends.push(pending.await.unwrap().position);
    }
    assert_eq!(ends, positions(&log).await);
    let events = log.read_stream(&stream("a"), 0, 200).await.unwrap();
    assert!(events.iter().map(|event| event.sequence).eq(1..=100));
}

pub(super) async fn what_rests_on_a_failed_append_is_not_recorded(log: Arc<dyn EventLog>) {
    let generation = Generation::default();
    let mut permits = Vec::new();
    for _ in 0..4 {
        permits.push(log.reserve().unwrap());
    }
    let mut permits = permits.into_iter();
    let mut enqueue = |append, generation| permits.next().unwrap().enqueue(append, generation);
    let failing = enqueue(append("a", 1, 1), Some(generation.clone()));
    // Another writer brings the stream to the very version that the next decision assumes.
    let foreign = enqueue(append("a", 0, 2), None);
    let resting = enqueue(append("a", 2, 1), Some(generation.clone()));
    let fresh = enqueue(append("a", 2, 1), Some(Generation::default()));

    assert!(matches!(failing.await, Err(AppendError::Conflict { actual: 0, .. })));
    assert_eq!(foreign.await.unwrap().last_sequence, 2);
    assert!(matches!(resting.await, Err(AppendError::Cascade { .. })));
    assert_eq!(fresh.await.unwrap().last_sequence, 3);
    assert!(generation.is_broken());
}

pub(super) async fn malformed_events_fail_alone(log: Arc<dyn EventLog>) {
    let broken = |id: &str, payload: &[u8]| StreamAppend {
        events: vec![event(payload)],
        ..append(id, 0, 0)
    };
    let mut batch: Vec<StreamAppend> = (0..20).map(|nth| append(&format!("sound-{nth}"), 0, 2)).collect();
    batch.insert(7, broken("half", b"{\"n\":"));
    batch.insert(8, append("half", 1, 1));
    batch.insert(15, broken("latin", b"{\"n\":\"\xe4\"}"));
    let outcomes = log.append(batch).await;
    for (nth, outcome) in outcomes.iter().enumerate() {
        match nth {
            7 | 15 => assert!(matches!(outcome, Err(AppendError::Rejected(_))), "{outcome:?}"),
            8 => assert!(
                matches!(outcome, Err(AppendError::Cascade { .. } | AppendError::Conflict { .. })),
                "{outcome:?}"
            ),
            _ => assert!(outcome.is_ok(), "{outcome:?}"),
        }
    }
    assert_eq!(positions(&log).await.len(), 40);
    append_one(&log, append("half", 0, 1)).await.unwrap();
}

pub(super) async fn an_append_without_events_is_rejected(log: Arc<dyn EventLog>) {
    let error = append_one(&log, append("a", 0, 0)).await.unwrap_err();
    assert!(matches!(error, AppendError::Rejected(_)), "{error}");
}

pub(super) async fn a_stream_id_with_a_nul_is_rejected(log: Arc<dyn EventLog>) {
    let outcomes = log.append(vec![append("a\0b", 0, 1), append("a", 0, 1)]).await;
    assert!(matches!(outcomes[0], Err(AppendError::Rejected(_))), "{outcomes:?}");
    assert_eq!(positions(&log).await, [outcomes[1].as_ref().unwrap().position]);
}

pub(super) async fn every_event_is_hashed_and_chained_where_promised(log: Arc<dyn EventLog>) {
    log.append(vec![append("a", 0, 3), append("b", 0, 2)]).await;
    append_one(&log, append("a", 3, 1)).await.unwrap();
    let mut previous = Head::EMPTY.hash;
    let events = log.read_all(0, 10).await.unwrap();
    assert_eq!(events.len(), 6);
    let is_chained = log.capabilities().inline_chain;
    for event in events {
        let leaf = Leaf::from(&event);
        let expected = if is_chained {
            chain::link(&previous, &leaf)
        } else {
            Leaf { position: 0, ..leaf }.hash()
        };
        assert_eq!(event.hash, expected, "{}", event.position);
        previous = event.hash;
    }
}

async fn positions(log: &Arc<dyn EventLog>) -> Vec<u64> {
    let events = log.read_all(0, 1000).await.unwrap();
    events.iter().map(|event| event.position).collect()
}

async fn append_one(log: &Arc<dyn EventLog>, append: StreamAppend) -> Outcome {
    log.append(vec![append]).await.remove(0)
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 123_456_789).unwrap()
}

pub(super) async fn time_never_goes_back(log: Arc<dyn EventLog>, clock: ManualClock) {
    append_one(&log, append("a", 0, 1)).await.unwrap();
    clock.set(at(900));
    append_one(&log, append("a", 1, 1)).await.unwrap();
    clock.set(at(1000));
    clock.advance(Duration::from_micros(1));
    append_one(&log, append("a", 2, 1)).await.unwrap();
    let times: Vec<i64> = log
        .read_all(0, 3)
        .await
        .unwrap()
        .iter()
        .map(|event| event.recorded_at.timestamp_micros())
        .collect();
    assert_eq!(times, [1_000_123_456, 1_000_123_456, 1_000_123_457]);
}

pub(super) async fn events_are_read_by_their_positions(log: Arc<dyn EventLog>) {
    log.append(vec![append("a", 0, 3), append("b", 0, 2)]).await;
    let all = log.read_all(0, 10).await.unwrap();
    let (one, other) = (&all[1], &all[4]);
    let nowhere = other.position + 4;
    let events = log
        .read_at(&[other.position, one.position, nowhere, one.position])
        .await
        .unwrap();
    assert_eq!(events, [one.clone(), other.clone()]);
    assert_eq!(log.read_at(&[]).await.unwrap(), []);
}

pub(super) async fn a_time_names_the_last_position_recorded_by_then(log: Arc<dyn EventLog>) {
    assert_eq!(log.position_at(Timestamp::UNIX_EPOCH).await.unwrap(), 0);
    for version in 0..9 {
        append_one(&log, append("a", version, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let events = log.read_all(0, 20).await.unwrap();
    let moment = chrono::TimeDelta::microseconds(1);
    for event in &events {
        let last = events.iter().rfind(|other| other.recorded_at == event.recorded_at);
        let before = events.iter().rfind(|other| other.recorded_at < event.recorded_at);
        let at = log.position_at(event.recorded_at).await.unwrap();
        assert_eq!(at, last.map_or(0, |last| last.position));
        let before_it = log.position_at(event.recorded_at - moment).await.unwrap();
        assert_eq!(before_it, before.map_or(0, |before| before.position));
    }
    let later = events[8].recorded_at + chrono::TimeDelta::days(1);
    assert_eq!(log.position_at(later).await.unwrap(), events[8].position);
}
