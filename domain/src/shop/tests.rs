//! The shop: what its admins decided, each thing once.

use crate::testing::{at, past, user};
use chrono::NaiveDate;

use crate::shop::{ClassTotal, DAY_SETTLES_WITHIN, DaySealed, SealDay, end_of_day};
use crate::{Currency, Shop, ShopCommand, ShopError, ShopEvent, Timestamp};

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
