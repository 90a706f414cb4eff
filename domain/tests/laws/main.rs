//! What holds for every order of commands, sane or not (`style.md` §13).

mod fees;
mod money;
mod payout;
mod quotas;
mod room;
mod shares;
mod ticket;
mod verdict;

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chrono::DateTime;
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use domain::Timestamp;
use proptest::test_runner::{Config, FileFailurePersistence};

/// Seeds that broke a law once. They are committed, and tried first.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/laws.txt");

/// `PROPTEST_CASES=20000` is the long form.
fn config() -> Config {
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 96;
    }
    config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(SEEDS)));
    config
}

#[test]
fn seeds_are_kept_where_they_are_looked_for() {
    let seeds = std::fs::read_to_string(SEEDS).expect("the file is committed");
    let is_seed = |line: &str| line.is_empty() || line.starts_with('#') || line.starts_with("cc ");
    assert!(seeds.lines().all(is_seed), "{seeds}");
}

fn at(second: i64) -> Timestamp {
    DateTime::from_timestamp(1_900_000_000 + second, 0).expect("in range")
}

/// Runs commands one after the other. After every single event `law` must hold; after every command the fold of what was
/// stored must be the live state, and the same command once more must record nothing. A state that was put aside and taken up
/// again decides every command as the live one does.
fn run<A>(commands: Vec<A::Command>, law: impl Fn(&A, &A::Event)) -> A
where
    A: Aggregate<Services = ()> + Clone + PartialEq + Debug,
    A::Command: Clone + Debug,
    A::Event: Debug,
    A::Error: PartialEq + Debug,
{
    let mut live = A::default();
    let mut folded = A::default();
    for command in commands {
        let before = live.clone();
        let mut resumed = taken_up_again(&live);
        let decision = handle(&mut live, command.clone());
        assert_eq!(
            handle(&mut resumed, command.clone()),
            decision,
            "a state from a snapshot decides the same: {command:?}"
        );
        assert_eq!(resumed, live, "and is the same afterwards");
        match decision {
            Err(_) => assert_eq!(live, before, "a refusal changes nothing: {command:?}"),
            Ok(events) => {
                for event in events {
                    let stored = serde_json::to_string(&event).expect("an event serialises");
                    folded.apply(serde_json::from_str(&stored).expect("a stored event loads"));
                    law(&folded, &event);
                }
                let repeated = handle(&mut live, command.clone());
                assert_eq!(
                    repeated.as_deref(),
                    Ok(&[][..]),
                    "a repeat records nothing: {command:?}"
                );
            }
        }
        assert_eq!(folded, live, "the fold of what was stored is the live state");
    }
    assert_eq!(taken_up_again(&live), live);
    live
}

fn taken_up_again<A: Aggregate>(state: &A) -> A {
    let snapshot = serde_json::to_string(state).expect("a state serialises");
    serde_json::from_str(&snapshot).expect("a snapshot loads")
}

fn handle<A: Aggregate<Services = ()>>(state: &mut A, command: A::Command) -> Result<Vec<A::Event>, A::Error> {
    let sink = EventSink::default();
    now(state.handle(command, &(), &sink))?;
    Ok(now(sink.collect()))
}

/// Aggregates never wait: one poll is enough.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a decision waited"),
    }
}
