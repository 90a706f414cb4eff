//! Pending days and the rolling reserve: when what is earned becomes available, and what disputes take of it before.

use chrono::{DateTime, TimeDelta};

use super::*;
use crate::{Currency, Timestamp};

/// Seven days after the day of the sales.
fn midnight() -> Timestamp {
    DateTime::parse_from_rfc3339("2030-03-25T00:00:00Z")
        .expect("a time")
        .to_utc()
}

fn rules(pending_days: u32, reserve: u16, reserve_days: u32) -> EarningRules {
    EarningRules {
        pending_days,
        reserve: BasisPoints::try_new(reserve).expect("a share"),
        reserve_days,
    }
}

fn credit(number: u128, gross: Money, earning: EarningRules, at: Timestamp) -> PayoutCommand {
    PayoutCommand::CreditEarning(Box::new(SettledSale {
        earning,
        at,
        ..sale(number, gross)
    }))
}

fn mature(at: Timestamp) -> PayoutCommand {
    PayoutCommand::MatureEarnings { at }
}

fn matured(minor: i64, at: Timestamp) -> PayoutEvent {
    PayoutEvent::EarningsMatured {
        amount: usd(minor),
        matured_at: at,
    }
}

fn dispute(number: u128) -> DisputedEarning {
    DisputedEarning {
        ticket_id: ticket(number),
        dispute: format!("dp_{number}"),
        amount: usd(1_000),
        at: at(9),
    }
}

/// Available, pending, reserved, receivable.
fn pots(host: &Given<Payout>) -> [i64; 4] {
    let state = &host.state;
    [
        state.available(USD),
        state.pending(USD),
        state.reserved(USD),
        state.receivable(USD),
    ]
    .map(Money::amount_minor)
}

#[test]
fn what_is_earned_on_one_day_becomes_available_at_once_when_its_days_are_over() {
    let week = rules(7, 0, 0);
    let pending = EarningCredited {
        pending: Some(Later {
            amount: usd(1_000),
            until: midnight(),
        }),
        ..earning(1, usd(1_000))
    };
    let host = given([approved(), linked("acct_1")])
        .when(credit(1, usd(1_000), week, at(3)))
        .then([PayoutEvent::EarningCredited(pending)])
        .then_do(credit(2, usd(500), week, at(20_000)));
    let next_day = host.clone().then_do(credit(3, usd(70), week, at(30_000)));
    assert_eq!(pots(&next_day), [0, 1_570, 0, 0]);
    assert_eq!(next_day.state.next_due(at(30_000)), Some(midnight()));

    let (early, second) = (midnight() - TimeDelta::microseconds(1), midnight() + TimeDelta::days(1));
    let host = next_day
        .when(mature(early))
        .then_nothing()
        .when(mature(midnight()))
        .then([matured(1_500, midnight())]);
    assert_eq!(pots(&host), [1_500, 70, 0, 0]);
    assert_eq!(host.state.next_due(midnight()), Some(second));
    let host = host.when(mature(second)).then([matured(70, second)]);
    assert_eq!(host.state.next_due(second), None);
}

#[test]
fn nothing_pending_is_paid_out() {
    given([approved(), linked("acct_1")])
        .then_do(credit(1, usd(1_000), rules(1, 0, 0), at(3)))
        .when(request_of(1, None))
        .then_err(PayoutError::BelowMinimum {
            requested: usd(0),
            minimum: usd(100),
        });
}

#[test]
fn a_part_of_each_earning_is_kept_and_comes_back_later() {
    let host = given([]).then_do(credit(1, usd(999), rules(0, 1_000, 30), at(3)));
    assert_eq!(pots(&host), [900, 0, 99, 0]);
    let due = host.state.next_due(at(3)).expect("it is due some time");
    let released = PayoutEvent::ReserveReleased {
        amount: usd(99),
        released_at: due,
    };
    let host = host.when(mature(due)).then([released]);
    assert_eq!(pots(&host), [999, 0, 0, 0]);
}

#[test]
fn shares_of_yen_and_dinars_are_whole_minor_units() {
    for (currency, gross, kept) in [
        (Currency::JPY, 19, 1),
        (Currency::JPY, 9, 0),
        (Currency::KWD, 1_005, 100),
    ] {
        let host = given([]).then_do(credit(1, Money::new(gross, currency), rules(7, 1_000, 30), at(3)));
        let state = &host.state;
        assert_eq!(state.rolling_reserve(currency), Money::new(kept, currency));
        assert_eq!(state.pending(currency), Money::new(gross - kept, currency));
        let host = host.then_do(mature(at(3) + TimeDelta::days(40)));
        assert_eq!(host.state.available(currency), Money::new(gross, currency));
    }
}

#[test]
fn a_dispute_takes_what_is_pending_then_what_is_available_then_the_reserve_and_the_rest_is_owed() {
    // 3.00 are available, 6.30 pending, 0.70 in the reserve.
    let host =
        given([credited(1, usd(1_000)), requested(9, 700)]).then_do(credit(2, usd(700), rules(7, 1_000, 30), at(3)));
    assert_eq!(pots(&host), [300, 630, 70, 0]);
    let hold = host.clone().then_do(PayoutCommand::HoldEarning(dispute(1)));
    assert_eq!(pots(&hold), [0, 0, 70 + 930, 0]);
    let lost = hold.then_do(PayoutCommand::ReverseEarning(dispute(1)));
    assert_eq!(pots(&lost), [0, 0, 0, 0]);
    // The same when nobody told of the dispute before it was lost; the second sale is lost as well.
    let lost = host.then_do(PayoutCommand::ReverseEarning(dispute(1)));
    assert_eq!(pots(&lost), [0, 0, 0, 0]);
    let second = DisputedEarning {
        amount: usd(700),
        ..dispute(2)
    };
    let lost = lost.then_do(PayoutCommand::ReverseEarning(second));
    assert_eq!(pots(&lost), [0, 0, 0, 700]);
}

#[test]
fn what_a_dispute_held_of_pending_money_waits_again_as_long_as_its_days_are_not_over() {
    let host = given([]).then_do(credit(1, usd(1_000), rules(7, 0, 0), at(3)));
    let held = host.then_do(PayoutCommand::HoldEarning(dispute(1)));
    assert_eq!(pots(&held), [0, 0, 1_000, 0]);
    let won = held.clone().then_do(PayoutCommand::ReleaseEarning(dispute(1)));
    assert_eq!(pots(&won), [0, 1_000, 0, 0]);
    let host = won.when(mature(midnight())).then([matured(1_000, midnight())]);
    assert_eq!(pots(&host), [1_000, 0, 0, 0]);
    // There was nothing to let go while the bank thought.
    let late = DisputedEarning {
        at: midnight() + TimeDelta::days(3),
        ..dispute(1)
    };
    let host = held
        .when(mature(midnight()))
        .then_nothing()
        .then_do(PayoutCommand::ReleaseEarning(late));
    assert_eq!(pots(&host), [1_000, 0, 0, 0]);
}

/// The money of a day is one pot: what one sale loses is missing where the next becomes available.
#[test]
fn what_is_taken_is_missing_first_and_comes_back_to_the_gap() {
    let week = rules(7, 0, 0);
    let host = given([])
        .then_do(credit(1, usd(1_000), week, at(3)))
        .then_do(credit(2, usd(1_000), week, at(30_000)))
        .then_do(PayoutCommand::HoldEarning(dispute(2)));
    let host = host.when(mature(midnight())).then_nothing();
    assert_eq!(pots(&host), [0, 1_000, 1_000, 0]);
    let late = DisputedEarning {
        at: midnight(),
        ..dispute(2)
    };
    let host = host.then_do(PayoutCommand::ReleaseEarning(late));
    assert_eq!(pots(&host), [1_000, 1_000, 0, 0]);
}
