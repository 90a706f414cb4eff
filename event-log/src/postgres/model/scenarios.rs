//! What is played: small scenes under every schedule, and crowds under many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuttle::rand::Rng as _;
use uuid::Uuid;

use super::faults::{Fault, Faults};
use super::history::{Call, SEATS};
use super::play::{Act, Break, Play};
use super::schedule::{Explore, explore};
use crate::tests::hall::{HallCommand, HallError};
use crate::{ExecuteError, LogLimits};

const PREEMPTIONS: usize = 2;

pub(super) fn sell(seats: u64) -> Act {
    Act::new(HallCommand::Sell { seats, of: SEATS })
}

fn halfway() -> Act {
    Act::new(HallCommand::SellAndFail)
}

pub(super) fn repeat() -> Act {
    Act::new(HallCommand::Repeat)
}

/// How often which answers came, over all schedules of a scene: a scene that never got to its point proves nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl Tally {
    pub(super) fn count(&self, calls: &[Call]) {
        let mut outcomes: Vec<&str> = calls.iter().map(outcome).collect();
        outcomes.sort_unstable();
        *self.0.lock().unwrap().entry(outcomes.join(" + ")).or_default() += 1;
    }

    /// Executions with exactly these outcomes, in alphabetical order.
    pub(super) fn of(&self, outcomes: &str) -> usize {
        self.0.lock().unwrap().get(outcomes).copied().unwrap_or(0)
    }

    pub(super) fn containing(&self, outcome: &str) -> usize {
        let counts = self.0.lock().unwrap();
        let with = counts.iter().filter(|(outcomes, _)| outcomes.contains(outcome));
        with.map(|(_, count)| count).sum()
    }
}

fn outcome(call: &Call) -> &'static str {
    match &call.answer {
        None => "left",
        Some(Ok(executed)) if executed.events.is_empty() => "repeat",
        Some(Ok(_)) => "sold",
        Some(Err(ExecuteError::Refused(HallError::SoldOut))) => "full",
        Some(Err(ExecuteError::Refused(HallError::Halfway))) => "halfway",
        Some(Err(ExecuteError::Conflict)) => "conflict",
        Some(Err(ExecuteError::Overloaded)) => "overloaded",
        Some(Err(ExecuteError::Unavailable(_))) => "away",
        Some(Err(ExecuteError::Rejected(_))) => "rejected",
        Some(Err(ExecuteError::Corrupt(_))) => "corrupt",
    }
}

fn play_all(scene: &str, play: Play) -> Tally {
    play_within(PREEMPTIONS, scene, play)
}

fn play_within(preemptions: usize, scene: &str, play: Play) -> Tally {
    let tally = Tally::default();
    let counter = tally.clone();
    let executions = explore(Explore::All { preemptions }, move || {
        let counter = counter.clone();
        play.clone().perform(move |calls| counter.count(calls))
    });
    eprintln!("{scene}: all {executions} schedules, {:?}", tally.0.lock().unwrap());
    tally
}

#[test]
fn two_buyers_of_the_last_seats() {
    let tally = play_all("two buyers", Play::new([sell(2), sell(2)]));
    assert_eq!(tally.of("full + sold"), tally.containing(""));
}

#[test]
fn a_failed_batch_under_a_decision_that_rests_on_it() {
    for fault in Fault::ALL {
        let mut play = Play::new([sell(2), sell(2)]);
        play.faults = Faults::Script([fault].into());
        // One statement for each command.
        play.limits.batch = 1;
        let tally = play_all(&format!("{fault:?}"), play);
        let (told, unsure) = (tally.of("full + sold"), tally.containing("away"));
        match fault {
            Fault::Nothing | Fault::TimedOut => assert!(told > 0 && unsure == 0, "{fault:?}: {tally:?}"),
            Fault::Outage => assert!(unsure > 0, "{fault:?}: {tally:?}"),
            _ => assert!(told > 0, "{fault:?}: {tally:?}"),
        }
    }
}

#[test]
fn a_reload_under_an_append_in_flight() {
    let tally = play_all("spoiled", Play::new([sell(1), halfway()]));
    assert_eq!(tally.of("halfway + sold"), tally.containing(""));
    // Whoever comes third loads the hall again, with the sale still on its way.
    let tally = play_within(1, "reload", Play::new([sell(1), halfway(), repeat()]));
    assert_eq!(tally.of("halfway + repeat + sold"), tally.containing(""));
}

#[test]
fn a_caller_who_leaves_at_any_moment() {
    let tally = play_all("leaving", Play::new([sell(2).left(), sell(2)]));
    assert!(tally.of("full + left") > 0 && tally.of("left + sold") > 0);
}

#[test]
fn refused_bytes_under_a_decision_that_rests_on_them() {
    let tally = play_all("curse", Play::new([sell(2).cursed(), sell(2)]));
    let (refused, came_second) = (tally.of("rejected + sold"), tally.of("full + sold"));
    assert!(
        refused > 0 && refused + came_second == tally.containing(""),
        "{tally:?}"
    );
}

#[test]
fn two_writers_that_both_believe_to_lead() {
    let play = Play {
        nodes: 2,
        is_blind: true,
        limits: LogLimits::default(),
        ..Play::new([sell(2), sell(2).on_node(1)])
    };
    let tally = play_within(0, "two writers", play);
    assert!(tally.of("away + sold") > 0);
}

/// A crowd: every execution draws its own callers, halls, faults and limits.
fn crowd(nodes: usize, is_blind: bool) -> Play {
    let mut dice = shuttle::rand::thread_rng();
    let acts = (0..dice.gen_range(3..8)).map(|_| {
        let act = match dice.gen_range(0..8) {
            0 => halfway(),
            1 => repeat(),
            2 => sell(2),
            3 => sell(1).cursed(),
            4 => sell(1).left(),
            5 => halfway().left(),
            _ => sell(1),
        };
        Act {
            hall: Uuid::from_u128(dice.gen_range(0..2)),
            node: dice.gen_range(0..nodes),
            after: (nodes > 1 && !is_blind).then(|| Duration::from_secs(dice.gen_range(0..30))),
            ..act
        }
    });
    let acts: Vec<Act> = acts.collect();
    let breaks = (0..dice.gen_range(0..4)).map(|_| Break {
        after: Duration::from_secs(dice.gen_range(0..30)),
        cut: (dice.gen_range(0..2) == 0).then(|| (dice.gen_range(0..nodes), Duration::from_secs(dice.gen_range(1..8)))),
    });
    let breaks: Vec<Break> = breaks.collect();
    // Time passes by seconds: in some executions a leader trusts its memory from one look to the next.
    let lease = if dice.gen_range(0..2) == 0 { 3 } else { 1 };
    Play {
        faults: Faults::Dice(dice.gen_range(0..4)),
        breaks: if nodes > 1 && !is_blind { breaks } else { Vec::new() },
        limits: LogLimits {
            lease: Duration::from_secs(lease),
            idle_check: Duration::from_secs(lease - 1).max(LogLimits::default().idle_check),
            outage_wait: Duration::from_secs(dice.gen_range(5..9)),
            batch: dice.gen_range(1..4),
            queue: dice.gen_range(1..5),
            versions: 2,
            hot_aggregates: dice.gen_range(1..3),
            ..LogLimits::default()
        },
        nodes,
        is_blind,
        starts_led: dice.gen_range(0..2) == 0,
        loiters: true,
        ..Play::new(acts)
    }
}

fn play_some(scene: &str, nodes: usize, is_blind: bool) -> Tally {
    let tally = Tally::default();
    let counter = tally.clone();
    let some = Explore::Some {
        executions: 2_000,
        seed: 4,
    };
    let executions = explore(some, move || {
        let counter = counter.clone();
        async move { crowd(nodes, is_blind).perform(move |calls| counter.count(calls)).await }
    });
    eprintln!("{scene}: {executions} schedules");
    tally
}

#[test]
fn a_crowd_and_everything_that_may_go_wrong() {
    let tally = play_some("a crowd", 1, false);
    for outcome in ["left", "repeat", "sold", "full", "halfway", "away", "rejected"] {
        assert!(
            tally.containing(outcome) > 20,
            "{outcome}: {}",
            tally.containing(outcome)
        );
    }
}

#[test]
fn a_crowd_before_two_writers() {
    let tally = play_some("two crowds", 2, true);
    assert!(tally.containing("away") > 20);
}

/// The lock decides, sessions break, the lead goes to and fro; whoever leads again must not trust what it remembers.
#[test]
fn a_crowd_before_a_leader_and_its_successor() {
    let tally = play_some("a leader and its successor", 2, false);
    assert!(tally.containing("sold") > 20 && tally.containing("full") > 20);
}
