//! The shop: what its admins decided, each thing once.

use std::collections::{BTreeMap, BTreeSet};

use crate::testing::{at, past, user};
use chrono::NaiveDate;

use crate::shop::{ClassTotal, DAY_SETTLES_WITHIN, DaySealed, SealDay, end_of_day};
use crate::{Channel, Currency, Label, Reach, Shop, ShopCommand, ShopError, ShopEvent, Timestamp, UserId};

const ADMIN: UserId = user(2);

fn cohort(name: &str) -> BTreeSet<Label> {
    [name.parse().expect("a label")].into()
}

fn changed(channel: Channel, cohorts: BTreeSet<Label>, percent: u8) -> ShopEvent {
    ShopEvent::RolloutChanged {
        channels: [(channel, Reach { cohorts, percent })].into(),
        by: ADMIN,
        changed_at: at(1),
    }
}

fn assigned(host: UserId, cohorts: BTreeSet<Label>) -> ShopEvent {
    ShopEvent::CohortsAssigned {
        host,
        cohorts,
        by: ADMIN,
        assigned_at: at(2),
    }
}

#[test]
fn without_flags_everybody_sells_everywhere() {
    let shop = past::<Shop>([]).state;
    let channels: Vec<_> = shop.rollout().channels_of(user(1)).collect();
    assert_eq!(channels, [Channel::Web, Channel::Ios, Channel::Android]);
    assert!(shop.rollout().is_open_to_all());
}

#[test]
fn a_flag_opens_its_channel_to_cohorts() {
    let shop = past::<Shop>([
        changed(Channel::Ios, cohort("pioneers"), 0),
        assigned(user(1), cohort("pioneers")),
        assigned(user(2), cohort("friends")),
    ]);
    let rollout = shop.state.rollout();
    assert!(rollout.reaches(user(1), Channel::Ios));
    assert!(!rollout.reaches(user(2), Channel::Ios));
    assert!(!rollout.reaches(user(3), Channel::Ios));
    // The others have no flag.
    assert!(rollout.reaches(user(3), Channel::Web) && rollout.reaches(user(3), Channel::Android));
    let left = shop.and([assigned(user(1), BTreeSet::new())]).state;
    assert!(!left.rollout().reaches(user(1), Channel::Ios));
}

#[test]
fn a_share_of_hosts_is_stable_and_grows() {
    let reached = |percent: u8| -> BTreeSet<u128> {
        let shop = past::<Shop>([changed(Channel::Web, BTreeSet::new(), percent)]).state;
        let is_in = |number: &u128| shop.rollout().reaches(user(*number), Channel::Web);
        (0..1_000).filter(is_in).collect()
    };
    let (none, tenth, half, all) = (reached(0), reached(10), reached(50), reached(100));
    assert_eq!((none.len(), all.len()), (0, 1_000));
    assert!((50..150).contains(&tenth.len()) && (400..600).contains(&half.len()));
    assert!(tenth.is_subset(&half), "who is in stays in");
    assert_eq!(tenth, reached(10));
}

#[test]
fn the_roll_out_is_recorded_when_it_changes() {
    let channels: BTreeMap<_, _> = [(Channel::Web, Reach::default())].into();
    let change = |channels, seconds| ShopCommand::ChangeRollout {
        channels,
        by: ADMIN,
        at: at(seconds),
    };
    let assign = |seconds| ShopCommand::AssignCohorts {
        host: user(1),
        cohorts: cohort("pioneers"),
        by: ADMIN,
        at: at(seconds),
    };
    let shop = past::<Shop>([])
        .when(change(channels.clone(), 1))
        .then([changed(Channel::Web, BTreeSet::new(), 0)])
        .when(change(channels, 5))
        .then([])
        .when(assign(2))
        .then([assigned(user(1), cohort("pioneers"))])
        .when(assign(6))
        .then([]);
    assert_eq!(shop.state.rollout().revision(), 2);
}

#[test]
fn a_person_is_erased_once() {
    let erase = |by, seconds| ShopCommand::ErasePerson {
        person: user(7),
        by: user(by),
        at: at(seconds),
    };
    let erased = ShopEvent::PersonErased {
        person: user(7),
        by: user(7),
        erased_at: at(1),
    };
    past::<Shop>([]).when(erase(7, 1)).then([erased.clone()]);
    past::<Shop>([erased]).when(erase(2, 9)).then([]);
}

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2030, 5, number).expect("a day of May")
}

fn totals() -> Vec<ClassTotal> {
    vec![ClassTotal {
        class: "clearing:charge".to_owned(),
        currency: Currency::USD,
        debit_minor: 7,
        credit_minor: 7,
    }]
}

/// As soon as the day is over for sure.
fn settled(number: u32) -> Timestamp {
    let end = end_of_day(day(number)).expect("in range");
    end.checked_add_signed(DAY_SETTLES_WITHIN).expect("in range")
}

fn seal(number: u32, position: u64) -> SealDay {
    SealDay {
        date: day(number),
        position,
        hash: format!("hash at {position}"),
        totals: totals(),
        unreconciled: 0,
        overdue: 0,
        force: None,
        by: user(7),
        at: settled(number),
    }
}

fn command(seal: SealDay) -> ShopCommand {
    ShopCommand::SealDay(Box::new(seal))
}

fn sealed(seal: SealDay, events: u64) -> ShopEvent {
    ShopEvent::DaySealed(DaySealed {
        date: seal.date,
        position: seal.position,
        hash: seal.hash,
        events,
        totals: seal.totals,
        unreconciled: seal.unreconciled,
        forced: seal.force,
        by: seal.by,
        sealed_at: seal.at,
    })
}

#[test]
fn days_are_sealed_one_after_the_other_and_each_once() {
    let first = sealed(seal(4, 10), 10);
    past::<Shop>([]).when(command(seal(4, 10))).then([first.clone()]);
    past::<Shop>([first.clone()]).when(command(seal(4, 99))).then([]);
    // A day without events.
    let second = sealed(seal(5, 10), 0);
    past::<Shop>([first.clone()])
        .when(command(seal(5, 10)))
        .then([second.clone()]);
    let third = sealed(seal(6, 25), 15);
    past::<Shop>([first.clone(), second])
        .when(command(seal(6, 25)))
        .then([third]);
    let next = day(5);
    for other in [3, 6] {
        past::<Shop>([first.clone()])
            .when(command(seal(other, 30)))
            .then_err(ShopError::DayOutOfOrder { next });
    }
}

#[test]
fn a_day_is_sealed_when_it_is_over() {
    let early = SealDay {
        at: end_of_day(day(4)).expect("in range"),
        ..seal(4, 10)
    };
    let date = day(4);
    past::<Shop>([])
        .when(command(early))
        .then_err(ShopError::DayNotOver { date });
    let empty = seal(4, 0);
    past::<Shop>([])
        .when(command(empty))
        .then_err(ShopError::NothingToSeal { date });
}

#[test]
fn what_is_overdue_holds_a_day_open_unless_somebody_says_why() {
    let overdue = SealDay {
        overdue: 2,
        unreconciled: 3,
        ..seal(4, 10)
    };
    past::<Shop>([])
        .when(command(overdue.clone()))
        .then_err(ShopError::Unreconciled { overdue: 2 });
    let force = |word: &str| SealDay {
        force: Some(word.to_owned()),
        ..overdue.clone()
    };
    let forced = sealed(force("bank_holiday"), 10);
    past::<Shop>([]).when(command(force("bank_holiday"))).then([forced]);
    for text in ["", "Bank", "a bank holiday", &"x".repeat(65)] {
        past::<Shop>([])
            .when(command(force(text)))
            .then_err(ShopError::InvalidReason);
    }
    // A reason that nothing needs is not recorded.
    let needless = SealDay {
        force: Some("bank_holiday".to_owned()),
        ..seal(4, 10)
    };
    past::<Shop>([]).when(command(needless)).then([sealed(seal(4, 10), 10)]);
}
