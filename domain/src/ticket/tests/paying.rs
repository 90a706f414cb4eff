//! Attempts, captures and the split: what came is recorded, what came twice goes back.

use super::*;
use crate::testing::{EUR, USD};
use crate::{Fingerprint, MoneyError};

#[test]
fn each_attempt_has_its_number() {
    given([ordered()])
        .when(start(1))
        .then([started(1, 1)])
        .when(start(2))
        .then([started(2, 2)]);
}

#[test]
fn a_declined_attempt_can_be_followed_by_another() {
    given([ordered(), started(1, 1), accepted(1), declined(1)])
        .when(start(2))
        .then([started(2, 2)]);
}

#[test]
fn a_repeated_attempt_records_nothing_and_another_request_is_refused() {
    given([ordered(), started(1, 1)]).when(start(1)).then_nothing();
    let other = TicketCommand::StartPayment(StartPayment {
        payment_id: payment(1),
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"other"),
        at: at(2),
    });
    given([ordered(), started(1, 1)])
        .when(other)
        .then_err(TicketError::KeyReused);
}

#[test]
fn no_attempt_begins_when_there_is_nothing_to_pay() {
    given(paid()).when(start(2)).then_err(TicketError::AlreadyPaid);
    given(paid_and_issued())
        .when(start(2))
        .then_err(TicketError::AlreadyPaid);
    given([ordered(), lapsed()])
        .when(start(2))
        .then_err(TicketError::HoldExpired);
    given(fully_refunded()).when(start(2)).then_err(TicketError::Refunded);
}

#[test]
fn the_providers_reference_is_recorded_once() {
    given([ordered(), started(1, 1)])
        .when(accept(1))
        .then([accepted(1)])
        .when(accept(1))
        .then_nothing();
    given([ordered()]).when(accept(1)).then_err(TicketError::UnknownPayment);
}

#[test]
fn a_reference_that_comes_after_the_capture_is_kept_for_refunds() {
    let state = given([ordered(), started(1, 1), captured(1)])
        .when(accept(1))
        .then([accepted(1)])
        .state;
    let payment = state.payment(payment(1)).expect("known");
    assert_eq!(payment.state, PaymentState::Captured { fee: usd(59) });
    assert_eq!(payment.provider_ref.as_deref(), Some("ref"));
}

#[test]
fn a_capture_is_recorded_once() {
    given([ordered(), started(1, 1)])
        .when(capture(1))
        .then([captured(1)])
        .when(capture(1))
        .then_nothing();
}

#[test]
fn a_capture_is_recorded_whatever_became_of_the_attempt_or_the_hold() {
    given([ordered(), started(1, 1), declined(1)])
        .when(capture(1))
        .then([captured(1)]);
    given([ordered(), started(1, 1), lapsed()])
        .when(capture(1))
        .then([captured(1)]);
}

#[test]
fn a_capture_that_was_not_asked_for_is_kept_apart() {
    for wrong in [usd(999), usd(-1_000), Money::new(1_000, EUR)] {
        given([ordered(), started(1, 1)])
            .when(capture_of(payment(1), wrong, usd(0)))
            .then_err(TicketError::WrongAmount {
                captured: wrong,
                expected: usd(1_000),
            });
    }
    given([ordered(), started(1, 1)])
        .when(capture(2))
        .then_err(TicketError::UnknownPayment);
}

#[test]
fn a_fee_that_is_none_is_refused() {
    let fee = |fee| given([ordered(), started(1, 1)]).when(capture_of(payment(1), usd(1_000), fee));
    fee(usd(-1)).then_err(TicketError::Money(MoneyError::Negative));
    fee(Money::new(1, EUR)).then_err(TicketError::Money(MoneyError::CurrencyMismatch {
        left: USD,
        right: EUR,
    }));
}

#[test]
fn the_second_charge_goes_back_by_itself_and_the_ticket_stays() {
    let state = given([ordered(), started(1, 1), started(2, 2), captured(1), issued()])
        .when(capture(2))
        .then([captured(2), second_charge(false)])
        .state;
    assert_eq!(state.phase(), TicketPhase::Issued);
    assert_eq!(state.captured(), Some(usd(2_000)));
    assert_eq!(state.owed_back(), Some(usd(1_000)));
}

#[test]
fn a_charge_after_the_full_refund_goes_back_too() {
    given([ordered(), started(1, 1), started(2, 2), captured(1), issued()])
        .and([TicketEvent::RefundOwed(owed(1, 1_000, true, true))])
        .when(capture(2))
        .then([captured(2), second_charge(true)]);
}

#[test]
fn a_decline_is_recorded_once_and_fit_for_the_log() {
    given([ordered(), started(1, 1)])
        .when(decline(1))
        .then([declined(1)])
        .when(decline(1))
        .then_nothing();
    given([ordered()])
        .when(decline(1))
        .then_err(TicketError::UnknownPayment);
}

#[test]
fn a_decline_that_comes_after_the_capture_changes_nothing() {
    given(paid()).when(decline(1)).then_nothing();
}

#[test]
fn a_payment_called_off_is_recorded_once() {
    for before in [vec![started(1, 1)], vec![started(1, 1), accepted(1)]] {
        given([ordered()])
            .and(before)
            .when(cancel(1))
            .then([cancelled(1)])
            .when(cancel(1))
            .then_nothing();
    }
    given([ordered()]).when(cancel(1)).then_err(TicketError::UnknownPayment);
}

#[test]
fn a_payment_that_has_its_verdict_is_not_called_off() {
    given(paid()).when(cancel(1)).then_nothing();
    given([ordered(), started(1, 1), declined(1)])
        .when(cancel(1))
        .then_nothing();
    given([ordered(), started(1, 1), cancelled(1)])
        .when(decline(1))
        .then_nothing();
}

#[test]
fn money_that_comes_after_all_wins_over_the_calling_off() {
    let state = given([ordered(), started(1, 1), cancelled(1), lapsed()])
        .when(accept(1))
        .then([accepted(1)])
        .when(capture(1))
        .then([captured(1)])
        .state;
    assert_eq!(state.captured(), Some(usd(1_000)));
}

#[test]
fn the_second_charge_goes_back_even_if_it_was_called_off() {
    given([ordered(), started(1, 1), started(2, 2), captured(1), issued()])
        .and([cancelled(2)])
        .when(capture(2))
        .then([captured(2), second_charge(false)]);
}

#[test]
fn a_ticket_has_a_limited_number_of_attempts() {
    let attempts = (1..=PAYMENT_ATTEMPTS_MAX).flat_map(|attempt| {
        let number = u128::from(attempt);
        let ending = if attempt % 2 == 0 {
            declined(number)
        } else {
            cancelled(number)
        };
        [started(number, attempt), ending]
    });
    let limit = PAYMENT_ATTEMPTS_MAX;
    given([ordered()])
        .and(attempts.clone().take(38))
        .when(start(20))
        .then([started(20, 20)]);
    given([ordered()])
        .and(attempts.clone())
        .when(start(21))
        .then_err(TicketError::TooManyAttempts { limit });
    given([ordered()]).and(attempts).when(start(20)).then_nothing();
}
