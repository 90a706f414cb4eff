//! Payouts that come back: in part or whole, once or twice told, before or after the news that they arrived.

use super::*;

fn come_back(in_all: i64) -> PayoutCommand {
    PayoutCommand::RecordReturned(ReturnedPayout {
        payout_id: payout(1),
        in_all: usd(in_all),
        reason: "account closed".to_owned(),
        at: at(7),
    })
}

fn returned(amount: i64) -> PayoutEvent {
    PayoutEvent::PayoutReturned {
        payout_id: payout(1),
        amount: usd(amount),
        reason: "account closed".to_owned(),
        returned_at: at(7),
    }
}

fn phase(host: &Given<Payout>) -> Option<PayoutPhase> {
    host.state.payout(payout(1)).map(|payout| payout.state)
}

/// A sale of 10.00 that was paid out, or is on its way, is lost to a bank: the host owes it.
fn owing(events: impl IntoIterator<Item = PayoutEvent>) -> Given<Payout> {
    let lost = PayoutCommand::ReverseEarning(DisputedEarning {
        ticket_id: ticket(1),
        dispute: "dp_1".to_owned(),
        amount: usd(1_000),
        at: at(6),
    });
    let host = host().and([requested(1, 1_000)]).and(events).then_do(lost);
    assert_eq!(host.state.receivable(USD), usd(1_000));
    host
}

fn netted(at: crate::Timestamp) -> PayoutEvent {
    PayoutEvent::ReceivableNetted {
        amount: usd(1_000),
        netted_at: at,
    }
}

#[test]
fn a_payout_that_comes_back_is_available_and_can_be_asked_for_again() {
    let host = host()
        .and([requested(1, 1_000), sent(1), paid(1, 1_000)])
        .when(come_back(1_000))
        .then([returned(1_000)]);
    assert_eq!(phase(&host), Some(PayoutPhase::Returned));
    assert_eq!(host.state.available(USD), usd(1_000));
    let host = host
        .when(record_paid())
        .then_nothing()
        .when(record_sent())
        .then_nothing();
    host.when(request_of(2, None)).then([requested(2, 1_000)]);
}

/// A provider tells sums, and an old one may come last.
#[test]
fn what_comes_back_in_parts_is_counted_once() {
    let host = host()
        .and([requested(1, 1_000), paid(1, 1_000)])
        .when(come_back(300))
        .then([returned(300)])
        .when(come_back(1_000))
        .then([returned(700)])
        .when(come_back(300))
        .then_nothing();
    assert_eq!(host.state.available(USD), usd(1_000));
    host.when(come_back(1_001))
        .then_err(PayoutError::ReturnExceedsPayout { paid: usd(1_000) });
}

#[test]
fn what_comes_back_before_the_news_that_it_arrived_had_arrived() {
    let arrived = PayoutEvent::PayoutPaid {
        payout_id: payout(1),
        amount: usd(1_000),
        paid_at: at(7),
    };
    host()
        .and([requested(1, 1_000)])
        .when(come_back(1_000))
        .then([arrived, returned(1_000)])
        .when(record_paid())
        .then_nothing()
        .when(record_failed())
        .then_err(PayoutError::AlreadyEnded);
}

#[test]
fn what_never_left_does_not_come_back() {
    host()
        .and([requested(1, 1_000), failed(1, 1_000)])
        .when(come_back(1_000))
        .then_err(PayoutError::AlreadyEnded);
    host().when(come_back(1_000)).then_err(PayoutError::UnknownPayout);
}

#[test]
fn what_comes_back_to_a_host_who_owes_pays_that_first() {
    let host = owing([paid(1, 1_000)])
        .when(come_back(1_000))
        .then([returned(1_000), netted(at(7))]);
    assert_eq!(
        (host.state.available(USD), host.state.receivable(USD)),
        (usd(0), usd(0))
    );
    let host = owing([]).when(record_failed()).then([failed(1, 1_000), netted(at(6))]);
    assert_eq!(
        (host.state.available(USD), host.state.receivable(USD)),
        (usd(0), usd(0))
    );
}
