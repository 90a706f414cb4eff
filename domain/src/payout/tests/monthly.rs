//! Payouts by the month: one for each month, and none that is too little.

use chrono::DateTime;

use super::*;
use crate::Timestamp;

fn first_of(month: u32) -> Timestamp {
    let text = format!("2030-{month:02}-01T00:00:00Z");
    DateTime::parse_from_rfc3339(&text).expect("a time").to_utc()
}

fn monthly(month: u32) -> PayoutCommand {
    PayoutCommand::RequestMonthly(MonthlyPayout {
        payout_id: payout(u128::from(month)),
        currency: USD,
        due_at: first_of(month),
        minimum_minor: 500,
        default: PayoutSchedule::OnRequest,
        provider: "sandbox".to_owned(),
        at: first_of(month),
    })
}

fn chosen(schedule: PayoutSchedule) -> PayoutEvent {
    PayoutEvent::PayoutScheduleChosen {
        schedule,
        chosen_at: at(2),
    }
}

fn by_request(month: u32, amount: i64) -> PayoutEvent {
    PayoutEvent::PayoutRequested {
        payout_id: payout(u128::from(month)),
        amount: usd(amount),
        provider: "sandbox".to_owned(),
        destination: "acct_1".to_owned(),
        request: request("monthly"),
        requested_at: first_of(month),
    }
}

fn rolled_over(month: u32, available: i64, reason: RollOverReason) -> PayoutEvent {
    PayoutEvent::PayoutRolledOver {
        available: usd(available),
        minimum: usd(500),
        reason,
        due_at: first_of(month),
        rolled_over_at: first_of(month),
    }
}

fn suspended() -> PayoutEvent {
    PayoutEvent::HostSuspended {
        by: ADMIN,
        reason: "chargebacks".parse().expect("a label"),
        suspended_at: at(9),
    }
}

fn reinstated() -> PayoutEvent {
    PayoutEvent::HostReinstated {
        by: ADMIN,
        reason: None,
        reinstated_at: at(10),
    }
}

#[test]
fn who_chose_it_is_paid_once_a_month() {
    let choose = |schedule| PayoutCommand::ChooseSchedule { schedule, at: at(2) };
    let host = host()
        .when(monthly(4))
        .then_nothing()
        .when(choose(PayoutSchedule::Monthly))
        .then([chosen(PayoutSchedule::Monthly)])
        .when(monthly(4))
        .then([by_request(4, 1_000)]);
    // More comes in, and the process asks once more.
    let host = host.and([credited(2, usd(900))]).when(monthly(4)).then_nothing();
    let host = host.when(monthly(5)).then([by_request(5, 900)]);
    host.and([credited(3, usd(900))])
        .when(choose(PayoutSchedule::OnRequest))
        .then([chosen(PayoutSchedule::OnRequest)])
        .when(monthly(6))
        .then_nothing();
}

#[test]
fn what_is_below_the_minimum_rolls_over_to_the_next_month() {
    let month = |number| chosen_host([credited(1, usd(300))]).when(monthly(number));
    let host = month(4).then([rolled_over(4, 300, RollOverReason::BelowMinimum)]);
    // The month is over: what comes now waits for the next.
    let host = host.and([credited(2, usd(300))]).when(monthly(4)).then_nothing();
    host.when(monthly(5)).then([by_request(5, 600)]);
    chosen_host([]).when(monthly(4)).then_nothing();
}

#[test]
fn nobody_is_paid_who_is_not_approved_or_does_not_say_where_to() {
    let monthly_choice = || chosen(PayoutSchedule::Monthly);
    given([linked("acct_1"), monthly_choice(), credited(1, usd(900))])
        .when(monthly(4))
        .then([rolled_over(4, 900, RollOverReason::NotApproved)]);
    given([approved(), monthly_choice(), credited(1, usd(900))])
        .when(monthly(4))
        .then([rolled_over(4, 900, RollOverReason::NoDestination)]);
}

/// The months of a suspension are over; what was earned is paid with the next one.
#[test]
fn nobody_is_paid_who_is_suspended() {
    let host = chosen_host([credited(1, usd(900)), suspended()]);
    let host = host
        .when(monthly(4))
        .then([rolled_over(4, 900, RollOverReason::Suspended)]);
    let host = host.and([reinstated()]).when(monthly(4)).then_nothing();
    host.when(monthly(5)).then([by_request(5, 900)]);
}

/// It was this month's; the money waits for the next month, or for the host to ask.
#[test]
fn a_monthly_payout_that_failed_is_not_sent_again_by_itself() {
    let host = chosen_host([credited(1, usd(900)), by_request(4, 900)]).and([failed(4, 900)]);
    let host = host.when(monthly(4)).then_nothing();
    host.clone().when(monthly(5)).then([by_request(5, 900)]);
    host.when(request_of(9, None)).then([requested(9, 900)]);
}

fn chosen_host(events: impl IntoIterator<Item = PayoutEvent>) -> Given<Payout> {
    given([approved(), linked("acct_1"), chosen(PayoutSchedule::Monthly)]).and(events)
}
