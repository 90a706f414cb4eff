//! What an app store collected: captured by its word, and given back by its word alone.

use super::*;
use crate::terms::Channel;
use crate::ticket::{DisputeLost, DisputeOpened};
use crate::{BasisPoints, Fingerprint, SaleRules};

/// 30 % are the store's.
fn in_store() -> TicketEvent {
    let rules = SaleRules {
        store_fee: BasisPoints::try_new(3_000).expect("a share"),
        ..SaleRules::default()
    };
    ordered_on(Terms {
        channel: Channel::Ios,
        rules,
        ..terms(1_000, RefundPolicy::UntilStart)
    })
}

fn started_in_store(number: u128, attempt: u32) -> TicketEvent {
    TicketEvent::PaymentStarted {
        payment_id: payment(number),
        attempt,
        provider: "app_store".to_owned(),
        amount: usd(1_000),
        request: Fingerprint::of(b"pay"),
        started_at: at(1),
    }
}

fn purchase(transaction: &str) -> TicketCommand {
    TicketCommand::RecordPurchase {
        transaction: transaction.to_owned(),
        amount: usd(1_000),
        at: at(3),
    }
}

fn store_refund(transaction: &str) -> TicketCommand {
    TicketCommand::RecordStoreRefund {
        transaction: transaction.to_owned(),
        at: at(7),
    }
}

fn named(number: u128) -> TicketEvent {
    TicketEvent::PaymentAccepted {
        payment_id: payment(number),
        provider_ref: "tx".to_owned(),
        accepted_at: at(3),
    }
}

fn collected(number: u128) -> TicketEvent {
    TicketEvent::PaymentCaptured {
        payment_id: payment(number),
        amount: usd(1_000),
        provider_fee: usd(0),
        store_fee: Some(usd(300)),
        captured_at: at(3),
    }
}

fn bought() -> Given<Ticket> {
    given([in_store(), started_in_store(1, 1), named(1), collected(1), issued()])
}

fn completed(refund_id: RefundId) -> TicketEvent {
    TicketEvent::RefundCompleted {
        refund_id,
        amount: usd(1_000),
        store_fee: Some(usd(300)),
        completed_at: at(7),
    }
}

#[test]
fn a_purchase_captures_the_payment_that_was_started_for_it() {
    given([in_store(), started_in_store(1, 1)])
        .when(purchase("tx"))
        .then([named(1), collected(1)])
        .when(purchase("tx"))
        .then_nothing();
    given([in_store()])
        .when(purchase("tx"))
        .then_err(TicketError::UnknownPayment);
    given([ordered(), started(1, 1)])
        .when(purchase("tx"))
        .then_err(TicketError::UnknownPayment);
    given([in_store(), started_in_store(1, 1), lapsed()])
        .when(purchase("tx"))
        .then([named(1), collected(1)]);
}

#[test]
fn one_payment_is_paid_by_one_transaction() {
    bought().when(purchase("another")).then_err(TicketError::UnknownPayment);
}

#[test]
fn nobody_here_gives_back_what_a_store_collected() {
    bought()
        .when(host_refunds(1, None))
        .then_err(TicketError::RefundedByStore);
    let by_system = TicketCommand::OweRefund(OweRefund {
        by: RefundInitiator::System,
        ..owe(1, None)
    });
    let owed = RefundOwed {
        initiated_by: RefundInitiator::System,
        ..owed(1, 1_000, true, true)
    };
    bought()
        .when(by_system)
        .then([TicketEvent::RefundOwed(owed)])
        .when(store_refund("tx"))
        .then([completed(refund(1))])
        .when(store_refund("tx"))
        .then_nothing();
}

#[test]
fn the_stores_word_is_the_refund() {
    let state = bought().when(store_refund("tx")).events();
    let TicketEvent::RefundOwed(owed) = &state[0] else {
        panic!("{state:?}");
    };
    assert_eq!(
        (
            owed.amount,
            owed.reason,
            owed.initiated_by,
            owed.in_full,
            owed.was_issued
        ),
        (
            usd(1_000),
            RefundReason::StoreRefunded,
            RefundInitiator::Store,
            true,
            true
        )
    );
    assert_eq!(state[1..], [completed(owed.refund_id)]);
    bought()
        .when(store_refund("unknown"))
        .then_err(TicketError::UnknownPayment);
    given([in_store(), started_in_store(1, 1)])
        .when(store_refund("tx"))
        .then_err(TicketError::UnknownPayment);
}

#[test]
fn a_refund_of_what_was_earned_is_lost_like_a_dispute() {
    let opened = DisputeOpened {
        dispute: "store:tx".to_owned(),
        payment_id: payment(1),
        amount: usd(1_000),
        reason: "store_refunded".to_owned(),
        opened_at: at(7),
    };
    let lost = DisputeLost {
        dispute: "store:tx".to_owned(),
        payment_id: payment(1),
        amount: usd(1_000),
        fee: usd(0),
        covered: usd(0),
        was_issued: true,
        tax: None,
        store_fee: Some(usd(300)),
        lost_at: at(7),
    };
    let state = bought()
        .then_do(settle())
        .when(store_refund("tx"))
        .then([TicketEvent::DisputeOpened(opened), TicketEvent::DisputeLost(lost)])
        .state;
    assert_eq!(state.phase(), TicketPhase::Revoked);
}
