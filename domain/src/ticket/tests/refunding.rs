//! Owing back: by policy for buyers, by judgement for others, never more than was captured, never what was earned.

use super::*;
use crate::MoneyError;
use crate::testing::{EUR, USD};
use crate::{Fingerprint, Timestamp};

fn buyer_asks(when: Timestamp, has_opened: bool) -> TicketCommand {
    TicketCommand::OweRefund(OweRefund {
        by: RefundInitiator::Buyer,
        room_has_opened: has_opened,
        at: when,
        ..owe(1, None)
    })
}

fn paid_under(policy: RefundPolicy) -> Given<Ticket> {
    given([ordered_on(terms(1_000, policy)), started(1, 1), captured(1), issued()])
}

#[test]
fn all_that_is_left_goes_back_and_the_ticket_ends() {
    let state = given(paid_and_issued())
        .when(host_refunds(1, None))
        .then([TicketEvent::RefundOwed(owed(1, 1_000, true, true))])
        .state;
    assert_eq!(state.phase(), TicketPhase::Refunded);
    assert_eq!(
        state.refund(refund(1)).map(|refund| refund.state),
        Some(RefundState::Owed)
    );
}

#[test]
fn parts_go_back_until_nothing_is_left() {
    given(paid_and_issued())
        .when(host_refunds(1, Some(400)))
        .then([TicketEvent::RefundOwed(owed(1, 400, false, true))])
        .when(host_refunds(2, Some(601)))
        .then_err(TicketError::RefundExceedsCaptured {
            requested: usd(601),
            left: usd(600),
        });
    given(paid_and_issued())
        .and([TicketEvent::RefundOwed(owed(1, 400, false, true))])
        .when(host_refunds(2, Some(600)))
        .then([TicketEvent::RefundOwed(owed(2, 600, true, true))])
        .when(host_refunds(3, Some(1)))
        .then_err(TicketError::Refunded);
}

#[test]
fn a_repeated_refund_records_nothing_and_another_request_is_refused() {
    given(fully_refunded()).when(host_refunds(1, None)).then_nothing();
    given(fully_refunded())
        .when(host_refunds(1, Some(999)))
        .then_err(TicketError::KeyReused);
    let other = TicketCommand::OweRefund(OweRefund {
        request: Some(Fingerprint::of(b"other")),
        ..owe(1, None)
    });
    given(fully_refunded()).when(other).then_err(TicketError::KeyReused);
}

#[test]
fn an_amount_is_positive_and_in_the_sales_currency() {
    let refunds = |amount| {
        let command = OweRefund {
            amount: Some(amount),
            ..owe(1, None)
        };
        given(paid_and_issued()).when(TicketCommand::OweRefund(command))
    };
    for amount in [usd(0), usd(-1)] {
        refunds(amount).then_err(TicketError::Money(MoneyError::NotPositive));
    }
    refunds(usd(i64::MIN)).then_err(TicketError::Money(MoneyError::Overflow));
    refunds(usd(i64::MAX)).then_err(TicketError::RefundExceedsCaptured {
        requested: usd(i64::MAX),
        left: usd(1_000),
    });
    let mismatch = MoneyError::CurrencyMismatch { left: USD, right: EUR };
    refunds(Money::new(1, EUR)).then_err(TicketError::Money(mismatch));
}

#[test]
fn nothing_goes_back_that_did_not_come() {
    given([ordered(), started(1, 1)])
        .when(host_refunds(1, None))
        .then_err(TicketError::NotPaid);
    given([ordered_free(), issued()])
        .when(host_refunds(1, None))
        .then_err(TicketError::NotPaid);
}

#[test]
fn money_of_a_ticket_that_was_not_issued_goes_back_whole() {
    given(paid())
        .when(host_refunds(1, None))
        .then([TicketEvent::RefundOwed(owed(1, 1_000, true, false))]);
    given(paid())
        .when(host_refunds(1, Some(400)))
        .then_err(TicketError::NotIssued);
}

#[test]
fn the_shop_pays_back_a_payment_whose_seat_is_gone() {
    let gone = OweRefund {
        reason: RefundReason::SeatGone,
        by: RefundInitiator::System,
        request: None,
        ..owe(1, None)
    };
    given([ordered(), started(1, 1), lapsed(), captured(1)])
        .when(TicketCommand::OweRefund(gone))
        .then([TicketEvent::RefundOwed(RefundOwed {
            reason: RefundReason::SeatGone,
            initiated_by: RefundInitiator::System,
            request: None,
            ..owed(1, 1_000, true, false)
        })]);
}

#[test]
fn a_buyer_is_held_to_the_policy_of_the_sale() {
    let allowed = |policy, second| {
        let outcome = paid_under(policy).state.decide(buyer_asks(at(second), false));
        assert!(outcome.is_ok() || outcome == Err(TicketError::NotRefundable));
        outcome.is_ok()
    };
    assert!(!allowed(RefundPolicy::None, 0));
    assert!(allowed(RefundPolicy::UntilStart, 3_599));
    assert!(!allowed(RefundPolicy::UntilStart, 3_600));
    assert!(allowed(RefundPolicy::UntilHoursBefore { hours: 1 }, -1));
    assert!(!allowed(RefundPolicy::UntilHoursBefore { hours: 1 }, 0));
    assert!(!allowed(RefundPolicy::UntilHoursBefore { hours: u32::MAX }, 0));
}

#[test]
fn a_buyer_gets_nothing_back_once_the_room_opened_or_they_walked_in() {
    paid_under(RefundPolicy::UntilStart)
        .when(buyer_asks(at(10), true))
        .then_err(TicketError::NotRefundable);
    given(paid_and_issued())
        .and([admitted()])
        .when(buyer_asks(at(10), false))
        .then_err(TicketError::NotRefundable);
}

#[test]
fn host_admin_and_shop_refund_even_after_admission() {
    for by in [RefundInitiator::Host, RefundInitiator::Admin, RefundInitiator::System] {
        let command = TicketCommand::OweRefund(OweRefund { by, ..owe(1, None) });
        let expected = RefundOwed {
            initiated_by: by,
            ..owed(1, 1_000, true, true)
        };
        given(paid_and_issued())
            .and([admitted()])
            .when(command)
            .then([TicketEvent::RefundOwed(expected)]);
    }
}

#[test]
fn what_was_earned_does_not_go_back() {
    given(paid_and_issued())
        .and([settled(1_000, 59)])
        .when(host_refunds(1, None))
        .then_err(TicketError::NotRefundable);
}

fn sent() -> TicketEvent {
    TicketEvent::RefundSent {
        refund_id: refund(1),
        provider_ref: "re".to_owned(),
        sent_at: at(7),
    }
}

fn completed() -> TicketEvent {
    TicketEvent::RefundCompleted {
        refund_id: refund(1),
        amount: usd(1_000),
        completed_at: at(8),
        store_fee: None,
    }
}

fn failed() -> TicketEvent {
    TicketEvent::RefundFailed {
        refund_id: refund(1),
        reason: "closed account".to_owned(),
        failed_at: at(8),
    }
}

fn note_sent() -> TicketCommand {
    TicketCommand::RecordRefundSent {
        refund_id: refund(1),
        provider_ref: "re".to_owned(),
        at: at(7),
    }
}

fn note_completed() -> TicketCommand {
    TicketCommand::RecordRefundCompleted {
        refund_id: refund(1),
        at: at(8),
    }
}

fn note_failed() -> TicketCommand {
    TicketCommand::RecordRefundFailed {
        refund_id: refund(1),
        reason: "closed account".to_owned(),
        at: at(8),
    }
}

#[test]
fn a_refund_is_sent_and_completed() {
    given(fully_refunded())
        .when(note_sent())
        .then([sent()])
        .when(note_completed())
        .then([completed()])
        .when(note_sent())
        .then_nothing()
        .when(note_failed())
        .then_nothing();
}

#[test]
fn the_providers_word_may_overtake_the_note_that_it_was_sent() {
    given(fully_refunded()).when(note_completed()).then([completed()]);
}

#[test]
fn a_failed_refund_is_still_owed_and_can_be_sent_again() {
    let state = given(fully_refunded())
        .then_do(note_sent())
        .when(note_failed())
        .then([failed()])
        .when(note_sent())
        .then([sent()])
        .when(note_completed())
        .then([completed()])
        .state;
    assert_eq!(state.owed_back(), Some(usd(1_000)));
}

#[test]
fn an_unknown_refund_is_refused() {
    for command in [note_sent(), note_completed(), note_failed()] {
        given(paid()).when(command).then_err(TicketError::UnknownRefund);
    }
}

#[test]
fn refund_ids_of_second_charges_are_stable() {
    let once: RefundId = refund_of_second_charge(payment(7));
    assert_eq!(once, refund_of_second_charge(payment(7)));
    assert_ne!(once, refund_of_second_charge(payment(8)));
}
