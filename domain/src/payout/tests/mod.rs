//! A host's account: approved, credited once per ticket, paid out never more than it earned.

mod banning;
mod monthly;
mod returning;
mod sharing;
mod waiting;

use crate::fees::{EarningRules, PlatformFee};
use crate::payout::*;
use crate::testing::{EUR, Given, USD, at, past, payout, request, room, ticket, usd, user};
use crate::{BasisPoints, Fingerprint, Money, MoneyError, Payout, PayoutCommand, PayoutError, PayoutEvent, UserId};

const HOST: UserId = user(1);
const ADMIN: UserId = user(2);

fn given(events: impl IntoIterator<Item = PayoutEvent>) -> Given<Payout> {
    past(events)
}

fn applied() -> PayoutEvent {
    PayoutEvent::HostApplied {
        host: HOST,
        applied_at: at(0),
        application: None,
    }
}

fn approved() -> PayoutEvent {
    PayoutEvent::HostApproved {
        host: HOST,
        by: Some(ADMIN),
        reason: None,
        verdict: None,
        approved_at: at(1),
    }
}

fn linked(destination: &str) -> PayoutEvent {
    PayoutEvent::DestinationLinked {
        destination: destination.to_owned(),
        linked_at: at(2),
    }
}

fn earning(number: u128, host_share: Money) -> EarningCredited {
    let zero = Money::zero(host_share.currency());
    EarningCredited {
        ticket_id: ticket(number),
        room_id: room(1),
        gross: host_share,
        provider_fee: zero,
        platform_fee: zero,
        host_share,
        credited_at: at(3),
        tax: None,
        store_fee: None,
        netted: None,
        co_hosts: vec![],
        reserved: None,
        pending: None,
    }
}

/// A sale whose money is all the host's.
fn sale(number: u128, gross: Money) -> SettledSale {
    SettledSale {
        ticket_id: ticket(number),
        room_id: room(1),
        gross,
        tax: None,
        store_fee: None,
        provider_fee: Money::zero(gross.currency()),
        platform_fee: PlatformFee::flat(BasisPoints::ZERO),
        earning: EarningRules::default(),
        host: HOST,
        shares: vec![],
        at: at(3),
    }
}

fn credited(number: u128, host_share: Money) -> PayoutEvent {
    PayoutEvent::EarningCredited(earning(number, host_share))
}

fn requested(number: u128, amount: i64) -> PayoutEvent {
    PayoutEvent::PayoutRequested {
        payout_id: payout(number),
        amount: usd(amount),
        provider: "sandbox".to_owned(),
        destination: "acct_1".to_owned(),
        request: request("payout"),
        requested_at: at(4),
    }
}

fn sent(number: u128) -> PayoutEvent {
    PayoutEvent::PayoutSent {
        payout_id: payout(number),
        provider_ref: "tr_1".to_owned(),
        sent_at: at(5),
    }
}

fn paid(number: u128, amount: i64) -> PayoutEvent {
    PayoutEvent::PayoutPaid {
        payout_id: payout(number),
        amount: usd(amount),
        paid_at: at(6),
    }
}

fn failed(number: u128, amount: i64) -> PayoutEvent {
    PayoutEvent::PayoutFailed {
        payout_id: payout(number),
        amount: usd(amount),
        reason: "closed account".to_owned(),
        failed_at: at(6),
    }
}

/// Approved, with 10.00 USD to be had.
fn host() -> Given<Payout> {
    given([approved(), linked("acct_1"), credited(1, usd(1_000))])
}

fn request_of(number: u128, amount: Option<Money>) -> PayoutCommand {
    PayoutCommand::RequestPayout(RequestPayout {
        payout_id: payout(number),
        currency: USD,
        amount,
        minimum_minor: 100,
        provider: "sandbox".to_owned(),
        request: request("payout"),
        at: at(4),
    })
}

fn record_sent() -> PayoutCommand {
    PayoutCommand::RecordSent {
        payout_id: payout(1),
        provider_ref: "tr_1".to_owned(),
        at: at(5),
    }
}

fn record_paid() -> PayoutCommand {
    PayoutCommand::RecordPaid {
        payout_id: payout(1),
        at: at(6),
    }
}

fn record_failed() -> PayoutCommand {
    PayoutCommand::RecordFailed {
        payout_id: payout(1),
        reason: "closed account".to_owned(),
        at: at(6),
    }
}

#[test]
fn a_destination_is_linked_and_changed() {
    let link = |destination: &str| PayoutCommand::LinkDestination {
        destination: destination.to_owned(),
        at: at(2),
    };
    let host = given([]).when(link("acct_1")).then([linked("acct_1")]);
    assert_eq!(host.state.destination(), Some("acct_1"));
    host.when(link("acct_2")).then([linked("acct_2")]);
    for bad in ["", "with space", "nul\0", "ümlaut", "x".repeat(201).as_str()] {
        let outcome = Payout::default().decide(link(bad));
        assert!(
            matches!(outcome, Err(PayoutError::InvalidDestination { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn a_sale_is_credited_once() {
    let credit = |number| PayoutCommand::CreditEarning(Box::new(sale(number, usd(894))));
    let host = given([])
        .when(credit(1))
        .then([credited(1, usd(894))])
        .when(credit(1))
        .then_nothing()
        .when(credit(2))
        .then([credited(2, usd(894))]);
    assert_eq!(host.state.available(USD), usd(1_788));
    assert_eq!(host.state.available(EUR), Money::zero(EUR));
}

#[test]
fn an_absurd_credit_is_refused() {
    let credit = |share| PayoutCommand::CreditEarning(Box::new(sale(2, share)));
    host()
        .when(credit(usd(-1)))
        .then_err(PayoutError::Money(MoneyError::Negative));
    host()
        .when(credit(usd(i64::MAX)))
        .then_err(PayoutError::Money(MoneyError::Overflow));
}

#[test]
fn all_that_is_available_is_paid_out_by_default() {
    let host = host().when(request_of(1, None)).then([requested(1, 1_000)]);
    assert_eq!(host.state.available(USD), usd(0));
    let host = host.when(record_sent()).then([sent(1)]);
    let host = host.when(record_paid()).then([paid(1, 1_000)]);
    assert_eq!(host.state.available(USD), usd(0));
    host.when(record_sent()).then_nothing();
}

#[test]
fn a_part_is_paid_out_and_the_rest_stays() {
    let host = host().when(request_of(1, Some(usd(300)))).then([requested(1, 300)]);
    assert_eq!(host.state.available(USD), usd(700));
    host.when(request_of(2, Some(usd(701))))
        .then_err(PayoutError::InsufficientBalance {
            requested: usd(701),
            available: usd(700),
        });
}

#[test]
fn a_repeated_request_records_nothing_and_another_is_refused() {
    host()
        .and([requested(1, 1_000)])
        .when(request_of(1, None))
        .then_nothing();
    let other = PayoutCommand::RequestPayout(RequestPayout {
        payout_id: payout(1),
        currency: USD,
        amount: None,
        minimum_minor: 100,
        provider: "sandbox".to_owned(),
        request: Fingerprint::of(b"other"),
        at: at(4),
    });
    host()
        .and([requested(1, 1_000)])
        .when(other)
        .then_err(PayoutError::KeyReused);
}

#[test]
fn a_payout_needs_approval_and_a_destination() {
    given([applied(), linked("acct_1"), credited(1, usd(1_000))])
        .when(request_of(1, None))
        .then_err(PayoutError::NotApproved);
    given([approved(), credited(1, usd(1_000))])
        .when(request_of(1, None))
        .then_err(PayoutError::NoDestination);
}

#[test]
fn nothing_below_the_minimum_is_paid_out() {
    for amount in [99, 0, -1, i64::MIN + 1_001] {
        host()
            .when(request_of(1, Some(usd(amount))))
            .then_err(PayoutError::BelowMinimum {
                requested: usd(amount),
                minimum: usd(100),
            });
    }
    given([approved(), linked("acct_1")])
        .when(request_of(1, None))
        .then_err(PayoutError::BelowMinimum {
            requested: usd(0),
            minimum: usd(100),
        });
    let mismatch = MoneyError::CurrencyMismatch { left: USD, right: EUR };
    host()
        .when(request_of(1, Some(Money::new(500, EUR))))
        .then_err(PayoutError::Money(mismatch));
}

#[test]
fn a_failed_payout_gives_the_money_back() {
    let host = host()
        .and([requested(1, 1_000), sent(1)])
        .when(record_failed())
        .then([failed(1, 1_000)]);
    assert_eq!(host.state.available(USD), usd(1_000));
    assert_eq!(
        host.state.payout(payout(1)).map(|payout| payout.state),
        Some(PayoutPhase::Failed)
    );
    host.when(request_of(2, None)).then([requested(2, 1_000)]);
}

#[test]
fn a_payout_ends_once() {
    host()
        .and([requested(1, 1_000), paid(1, 1_000)])
        .when(record_failed())
        .then_err(PayoutError::AlreadyEnded);
    host()
        .and([requested(1, 1_000), failed(1, 1_000)])
        .when(record_paid())
        .then_err(PayoutError::AlreadyEnded);
}

#[test]
fn an_unknown_payout_is_refused() {
    for command in [record_sent(), record_paid(), record_failed()] {
        host().when(command).then_err(PayoutError::UnknownPayout);
    }
}

/// Two sales that are settled at once, with room for one of them below the line.
#[test]
fn no_two_sales_use_the_same_rest_below_the_line() {
    let tier = crate::FeeTier {
        host_lifetime_major: 10,
        platform_fee: BasisPoints::try_new(2_000).expect("20 %"),
    };
    let fee = PlatformFee {
        below: BasisPoints::try_new(300).expect("3 %"),
        base: crate::FeeBase::AfterStore,
        tier: Some(tier),
    };
    let credit = |number| {
        let sale = SettledSale {
            platform_fee: fee,
            ..sale(number, usd(1_000))
        };
        PayoutCommand::CreditEarning(Box::new(sale))
    };
    let host = given([credited(9, usd(30))]).then_do(credit(1)).then_do(credit(2));
    // 9.70 fill the lifetime up to 10.00 at 3 %; the second is above the line from its first cent.
    assert_eq!(host.state.available(USD), usd(30 + 970 + 800));
}
