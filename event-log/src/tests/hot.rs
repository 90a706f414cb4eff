//! The rules that make deciding on a state that is not durable yet safe. The memory log can be held, so that a test
//! decides what is durable when.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs_es::CqrsFramework;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::hall::{Hall, HallCommand, HallError, sell};
use super::support::*;
use crate::{
    AppendError, EventLog, ExecuteError, Executed, Executor, HotStore, Judged, LogLimits, MemoryLog, StreamId,
    SystemClock,
};

const ID: Uuid = Uuid::from_u128(7);

type Answer = BoxFuture<'static, Result<Executed<Hall>, ExecuteError<HallError>>>;

pub(super) struct House {
    pub(super) log: Arc<MemoryLog>,
    pub(super) halls: Executor<Hall>,
}

impl House {
    fn new() -> Self {
        Self::with(LogLimits::default())
    }

    pub(super) fn with(limits: LogLimits) -> Self {
        let log = MemoryLog::with(limits, Arc::new(SystemClock));
        Self {
            halls: Executor::new(Arc::clone(&log) as _),
            log,
        }
    }

    async fn execute(&self, command: HallCommand) -> Result<Executed<Hall>, ExecuteError<HallError>> {
        self.halls.execute(ID, command, metadata()).await
    }

    /// Starts a command and lets it run until it waits for its durability.
    pub(super) async fn start(&self, command: HallCommand) -> Answer {
        let queued = self.log.queued();
        let answer = self.start_waiting(command).await;
        until("the command is queued", async || self.log.queued() > queued).await;
        answer
    }

    /// Starts a command that enqueues nothing: it decides, and waits for what others enqueued.
    async fn start_waiting(&self, command: HallCommand) -> Answer {
        let halls = self.halls.clone();
        let mut answer = async move { halls.execute(ID, command, metadata()).await }.boxed();
        assert!(futures::poll!(&mut answer).is_pending());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        answer
    }

    async fn sold(&self) -> u64 {
        self.halls.read(ID, |hall| hall.sold).await.unwrap().0
    }

    fn fail_next_batch(&self) {
        self.log
            .fail_next_batch(AppendError::Unavailable("the disk is full".to_owned()));
    }
}

async fn assert_pending(answer: &mut Answer) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(
            futures::poll!(&mut *answer).is_pending(),
            "answered before it was durable"
        );
    }
}

#[tokio::test]
async fn a_command_is_answered_with_its_events_and_their_position() {
    let house = House::new();
    let first = house.execute(sell()).await.unwrap();
    let second = house.execute(HallCommand::Sell { seats: 2, of: 3 }).await.unwrap();
    assert_eq!((first.events.len(), first.position), (1, 1));
    assert_eq!((second.events.len(), second.position), (2, 3));
    assert_eq!(house.halls.read(ID, Hall::clone).await.unwrap(), (Hall { sold: 3 }, 3));
    assert_eq!(house.halls.store().cold_loads(), 1);
}

#[tokio::test]
async fn an_aggregate_without_events_is_at_its_default() {
    let house = House::new();
    assert_eq!(house.halls.read(ID, Hall::clone).await.unwrap(), (Hall::default(), 0));
    let repeat = house.execute(HallCommand::Repeat).await.unwrap();
    assert_eq!((repeat.events.len(), repeat.position), (0, 0));
}

#[tokio::test]
async fn a_command_that_writes_and_then_fails_leaves_nothing() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    let error = house.execute(HallCommand::SellAndFail).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Refused(HallError::Halfway)), "{error}");
    assert_eq!(house.execute(sell()).await.unwrap().position, 2);
    assert_eq!(house.sold().await, 2);
    assert_eq!(house.halls.store().cold_loads(), 2);
}

#[tokio::test]
async fn a_refusal_that_wrote_nothing_costs_no_load() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    let error = house.execute(HallCommand::Sell { seats: 1, of: 1 }).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Refused(HallError::SoldOut)), "{error}");
    house.execute(sell()).await.unwrap();
    assert_eq!(house.halls.store().cold_loads(), 1);
}

#[tokio::test]
async fn a_refusal_says_what_it_rests_on() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    house.execute(sell()).await.unwrap();
    let beyond = HallCommand::Sell { seats: 1, of: 2 };
    let judged = house.halls.judge(ID, beyond, metadata()).await.unwrap();
    let rests_on_the_last = |judged: &Judged<Hall>| {
        matches!(
            judged,
            Judged::Refused {
                refusal: HallError::SoldOut,
                position: 2
            }
        )
    };
    assert!(rests_on_the_last(&judged), "{judged:?}");
    let judged = house.halls.judge(ID, sell(), metadata()).await.unwrap();
    assert!(
        matches!(judged, Judged::Accepted(Executed { position: 3, .. })),
        "{judged:?}"
    );
}

#[tokio::test]
async fn a_command_that_panics_leaves_nothing() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    let error = house.execute(HallCommand::Panic).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Corrupt(_)), "{error}");
    house.execute(sell()).await.unwrap();
    assert_eq!(house.sold().await, 2);
}

#[tokio::test]
async fn several_commands_are_recorded_as_one() {
    let house = House::new();
    let limited = HallCommand::Sell { seats: 2, of: 3 };
    let commands = vec![sell(), HallCommand::Repeat, limited];
    let executed = house.halls.execute_all(ID, commands, metadata()).await.unwrap();
    assert_eq!((executed.events.len(), executed.position), (3, 3));
    assert_eq!(house.sold().await, 3);
    let repeats = vec![HallCommand::Repeat, HallCommand::Repeat];
    let repeated = house.halls.execute_all(ID, repeats, metadata()).await.unwrap();
    assert_eq!((repeated.events.len(), repeated.position), (0, 3));
}

#[tokio::test]
async fn one_refusal_refuses_all() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    let commands = vec![sell(), HallCommand::Sell { seats: 1, of: 2 }, sell()];
    let error = house.halls.execute_all(ID, commands, metadata()).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Refused(HallError::SoldOut)), "{error}");
    assert_eq!(house.sold().await, 1);
    assert_eq!(house.execute(sell()).await.unwrap().position, 2);
}

#[tokio::test]
async fn an_unmodified_framework_runs_on_the_hot_store() {
    let house = House::new();
    let store = HotStore::<Hall>::new(Arc::clone(&house.log) as _);
    let framework = CqrsFramework::new(store.clone(), vec![], ());
    let id = ID.to_string();
    framework.execute(&id, sell()).await.unwrap();
    framework.execute(&id, HallCommand::Repeat).await.unwrap();
    framework.execute(&id, HallCommand::SellAndFail).await.unwrap_err();
    let metadata = HashMap::from([("actor_id".to_owned(), "a".to_owned())]);
    framework
        .execute_with_metadata(&id, sell(), metadata.clone())
        .await
        .unwrap();
    assert_eq!(house.sold().await, 2);
    let events = cqrs_es::EventStore::load_events(&store, &id).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[1].metadata, metadata);
}

#[tokio::test]
async fn the_next_command_decides_before_the_last_one_is_durable() {
    let house = House::new();
    house.log.hold();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(house.start(sell()).await);
    }
    for answer in &mut answers {
        assert_pending(answer).await;
    }
    house.log.release();
    for (position, answer) in (1..).zip(answers) {
        assert_eq!(answer.await.unwrap().position, position);
    }
    assert_eq!(house.halls.store().cold_loads(), 1);
}

#[tokio::test]
async fn a_failed_batch_takes_its_decisions_back() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    house.log.hold();
    let first = house.start(sell()).await;
    let second = house.start(sell()).await;
    house.fail_next_batch();
    house.log.release();
    assert!(matches!(first.await, Err(ExecuteError::Unavailable(_))));
    assert!(matches!(second.await, Err(ExecuteError::Unavailable(_))));
    assert_eq!(house.sold().await, 1);
    assert_eq!(house.execute(sell()).await.unwrap().position, 2);
}

#[tokio::test]
async fn what_rests_on_a_lost_race_is_decided_again() {
    let house = House::new();
    house.log.hold();
    let foreign = {
        let mut append = append(&ID.to_string(), 0, 1);
        append.stream = StreamId {
            aggregate_type: "hall",
            aggregate_id: append.stream.aggregate_id,
        };
        append.events[0].payload = br#"{"SeatSold":{"seat":1}}"#.to_vec();
        house.log.reserve().unwrap().enqueue(append, None)
    };
    // All three believe the hall is empty, and that the last two seats of three are theirs.
    let limited = HallCommand::Sell { seats: 1, of: 3 };
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(house.start(limited.clone()).await);
    }
    house.log.release();
    assert_eq!(foreign.await.unwrap().position, 1);
    let mut outcomes = futures::future::join_all(answers).await;
    outcomes.sort_by_key(Result::is_err);
    assert!(outcomes[0].is_ok() && outcomes[1].is_ok());
    assert!(matches!(outcomes[2], Err(ExecuteError::Refused(HallError::SoldOut))));
    assert_eq!(house.sold().await, 3);
}

#[tokio::test]
async fn three_lost_races_are_a_conflict() {
    let house = House::new();
    for _ in 0..3 {
        house.log.fail_next_batch(AppendError::Conflict {
            stream: stream("a"),
            expected: 0,
            actual: 1,
        });
    }
    let error = house.execute(sell()).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Conflict), "{error}");
    assert_eq!(house.execute(sell()).await.unwrap().position, 1);
}

#[tokio::test]
async fn a_refusal_waits_until_what_it_rests_on_is_durable() {
    let house = House::new();
    house.log.hold();
    let sale = house.start(sell()).await;
    let mut refusal = house.start_waiting(HallCommand::Sell { seats: 1, of: 1 }).await;
    assert_pending(&mut refusal).await;
    house.log.release();
    assert!(matches!(refusal.await, Err(ExecuteError::Refused(HallError::SoldOut))));
    sale.await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_decided_again_when_what_it_rests_on_fails() {
    let house = House::new();
    house.log.hold();
    let sale = house.start(sell()).await;
    let mut refusal = house.start_waiting(HallCommand::Sell { seats: 1, of: 1 }).await;
    assert_pending(&mut refusal).await;
    house.fail_next_batch();
    house.log.release();
    assert!(matches!(sale.await, Err(ExecuteError::Unavailable(_))));
    assert_eq!(refusal.await.unwrap().position, 1);
}

#[tokio::test]
async fn a_repeat_waits_for_what_it_repeats() {
    let house = House::new();
    house.log.hold();
    let sale = house.start(sell()).await;
    let mut repeat = house.start_waiting(HallCommand::Repeat).await;
    assert_pending(&mut repeat).await;
    house.log.release();
    let (sale, repeat) = (sale.await.unwrap(), repeat.await.unwrap());
    assert_eq!((repeat.events.len(), repeat.position), (0, sale.position));
}

#[tokio::test]
async fn a_look_sees_only_what_is_durable() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    house.log.hold();
    let sale = house.start(sell()).await;
    let mut look = Box::pin(house.halls.read(ID, |hall| hall.sold));
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(futures::poll!(&mut look).is_pending());
    }
    house.fail_next_batch();
    house.log.release();
    assert_eq!(look.await.unwrap(), (1, 1));
    assert!(sale.await.is_err());
}

#[tokio::test]
async fn a_caller_who_goes_away_cancels_nothing() {
    let house = House::new();
    house.log.hold();
    let sale = house.start(sell()).await;
    drop(sale);
    house.log.release();
    assert_eq!(house.sold().await, 1);
    assert_eq!(house.log.head().await.unwrap().position, 1);
}

#[tokio::test]
async fn a_reload_waits_for_the_appends_in_flight() {
    let house = House::new();
    house.execute(sell()).await.unwrap();
    house.log.hold();
    let sale = house.start(sell()).await;
    let halfway = house.start_waiting(HallCommand::SellAndFail).await;
    // Loaded now, it would miss the second sale and decide on a version that is gone.
    let mut next = house.start_waiting(HallCommand::Sell { seats: 1, of: 3 }).await;
    assert_pending(&mut next).await;
    assert_eq!(house.halls.store().cold_loads(), 1);
    house.log.release();
    assert_eq!(sale.await.unwrap().position, 2);
    assert!(matches!(halfway.await, Err(ExecuteError::Refused(HallError::Halfway))));
    assert_eq!(next.await.unwrap().position, 3);
    assert_eq!(house.halls.store().cold_loads(), 2);
}

#[tokio::test]
async fn a_full_queue_refuses_before_anything_is_decided() {
    let house = House::with(LogLimits {
        queue: 2,
        ..impatient()
    });
    house.log.hold();
    let first = house.start(sell()).await;
    let second = house.start(sell()).await;
    let error = house.execute(sell()).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Overloaded), "{error}");
    house.log.release();
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(house.execute(sell()).await.unwrap().position, 3);
    assert_eq!(house.halls.store().cold_loads(), 1);
}

#[tokio::test]
async fn a_hot_aggregate_leaves_places_for_the_others() {
    let house = House::with(LogLimits {
        queue: 8,
        queue_share: 2,
        ..impatient()
    });
    house.log.hold();
    let first = house.start(sell()).await;
    let second = house.start(sell()).await;
    let error = house.execute(sell()).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Overloaded), "{error}");
    let mut other = Box::pin(house.halls.execute(Uuid::from_u128(8), sell(), metadata()));
    assert!(futures::poll!(&mut other).is_pending());
    assert_eq!(house.log.queued(), 3);
    house.log.release();
    first.await.unwrap();
    second.await.unwrap();
    other.await.unwrap();
    assert_eq!(house.execute(sell()).await.unwrap().position, 4);
}

#[tokio::test]
async fn executors_on_one_log_share_their_aggregates() {
    let house = House::new();
    let other = Executor::<Hall>::new(Arc::clone(&house.log) as _);
    house.execute(sell()).await.unwrap();
    let error = other
        .execute(ID, HallCommand::Sell { seats: 1, of: 1 }, metadata())
        .await
        .unwrap_err();
    assert!(matches!(error, ExecuteError::Refused(HallError::SoldOut)), "{error}");
    assert_eq!(other.store().cold_loads(), 1);
}

#[tokio::test]
async fn events_that_cannot_be_read_are_no_empty_aggregate() {
    let house = House::new();
    let mut append = append(&ID.to_string(), 0, 1);
    append.stream.aggregate_type = "hall";
    house.log.append(vec![append]).await.remove(0).unwrap();
    let error = house.execute(sell()).await.unwrap_err();
    assert!(matches!(error, ExecuteError::Corrupt(_)), "{error}");
    assert!(matches!(
        house.halls.read(ID, |hall| hall.sold).await,
        Err(ExecuteError::Corrupt(_))
    ));
}
