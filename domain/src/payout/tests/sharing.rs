//! A sale that several share: nobody has a cent that another one has, and each gives back of it what is theirs.

use super::*;
use crate::Share;

const ANN: UserId = user(11);
const BEN: UserId = user(12);

fn shares(points: [u16; 3]) -> Vec<Share> {
    let people = [HOST, ANN, BEN].into_iter().zip(points);
    let share = |(user, points)| Share {
        user,
        basis_points: BasisPoints::try_new(points).expect("a share"),
    };
    people.map(share).collect()
}

fn thirds() -> Vec<Share> {
    shares([3_334, 3_333, 3_333])
}

fn shared_sale(number: u128, gross: Money, shares: Vec<Share>) -> PayoutCommand {
    PayoutCommand::CreditEarning(Box::new(SettledSale {
        shares,
        ..sale(number, gross)
    }))
}

fn part(user: UserId, minor: i64) -> CoHostPart {
    CoHostPart {
        user,
        amount: usd(minor),
    }
}

fn disputed(amount: i64, dispute: &str) -> DisputedEarning {
    DisputedEarning {
        ticket_id: ticket(1),
        dispute: dispute.to_owned(),
        amount: usd(amount),
        at: at(9),
    }
}

fn share_disputed(amount: i64) -> DisputedShare {
    DisputedShare {
        ticket_id: ticket(1),
        dispute: "dp_1".to_owned(),
        amount: usd(amount),
        at: at(9),
    }
}

/// What others have of the last event.
fn co_hosts(event: &PayoutEvent) -> Vec<CoHostPart> {
    if let PayoutEvent::EarningCredited(earning) = event {
        earning.co_hosts.clone()
    } else if let PayoutEvent::EarningHeld(held) | PayoutEvent::EarningReleased(held) = event {
        held.co_hosts.clone()
    } else if let PayoutEvent::EarningReversed(reversed) = event {
        reversed.co_hosts.clone()
    } else {
        panic!("nobody shares {event:?}")
    }
}

/// woocommerce-payments #9991: 3 × 3.33 ≠ 10.00.
#[test]
fn woocommerce_payments_9991_three_thirds_are_the_whole() {
    let host = given([]).then_do(shared_sale(1, usd(1_000), thirds()));
    assert_eq!(host.state.available(USD), usd(334));
    let events = given([]).when(shared_sale(1, usd(1_000), thirds())).events();
    assert_eq!(co_hosts(&events[0]), [part(ANN, 333), part(BEN, 333)]);
    // Yen have no smaller unit: of two, one goes to the first, and one to the second.
    let yen = Money::new(2, crate::Currency::JPY);
    let host = given([]).then_do(shared_sale(1, yen, thirds()));
    assert_eq!(host.state.available(yen.currency()).amount_minor(), 1);
}

#[test]
fn a_part_is_credited_once_and_pays_what_its_owner_owes_first() {
    let earning = SharedEarning {
        ticket_id: ticket(1),
        room_id: room(1),
        host: HOST,
        share: usd(333),
        earning: EarningRules::default(),
        at: at(3),
    };
    let credit = PayoutCommand::CreditShare(Box::new(earning));
    let credited = |netted| {
        PayoutEvent::ShareCredited(ShareCredited {
            ticket_id: ticket(1),
            room_id: room(1),
            host: HOST,
            share: usd(333),
            netted,
            reserved: None,
            pending: None,
            credited_at: at(3),
        })
    };
    let ann = given([]).when(credit.clone()).then([credited(None)]);
    assert_eq!(ann.state.available(USD), usd(333));
    let lost = DisputedEarning {
        ticket_id: ticket(9),
        ..disputed(500, "dp_9")
    };
    let owing = given([super::credited(9, usd(500)), requested(1, 500)]).then_do(PayoutCommand::ReverseEarning(lost));
    let ann = owing.when(credit).then([credited(Some(usd(333)))]);
    assert_eq!(
        (ann.state.available(USD), ann.state.receivable(USD)),
        (usd(0), usd(167))
    );
}

/// Its owner may be nobody's host yet: what is theirs waits.
#[test]
fn a_part_is_paid_out_to_whoever_is_approved_and_says_where_to() {
    let earning = SharedEarning {
        ticket_id: ticket(1),
        room_id: room(1),
        host: HOST,
        share: usd(333),
        earning: EarningRules::default(),
        at: at(3),
    };
    let ann = given([]).then_do(PayoutCommand::CreditShare(Box::new(earning)));
    ann.clone().when(request_of(1, None)).then_err(PayoutError::NotApproved);
    ann.and([approved(), linked("acct_1")])
        .when(request_of(1, None))
        .then([requested(1, 333)]);
}

/// The platform's line is the host's: all that their rooms brought, whoever shared it; and nothing that others' rooms did.
#[test]
fn the_line_counts_what_the_hosts_own_rooms_brought() {
    let fee = PlatformFee {
        below: BasisPoints::ZERO,
        base: crate::FeeBase::AfterStore,
        tier: Some(crate::FeeTier {
            host_lifetime_major: 10,
            platform_fee: BasisPoints::try_new(2_000).expect("20 %"),
        }),
    };
    let of_others = SharedEarning {
        ticket_id: ticket(8),
        room_id: room(2),
        host: ANN,
        share: usd(5_000),
        earning: EarningRules::default(),
        at: at(3),
    };
    let credit = |number| {
        PayoutCommand::CreditEarning(Box::new(SettledSale {
            platform_fee: fee,
            shares: shares([1_000, 9_000, 0])[..2].to_vec(),
            ..sale(number, usd(1_000))
        }))
    };
    let host = given([])
        .then_do(PayoutCommand::CreditShare(Box::new(of_others)))
        .then_do(credit(1))
        .then_do(credit(2));
    // A tenth of 10.00 without a fee, and of 8.00 above the line.
    assert_eq!(host.state.available(USD), usd(5_000 + 100 + 80));
    // What is given back is below the line again.
    let host = host.then_do(PayoutCommand::ReverseEarning(disputed(1_000, "dp_1")));
    let host = host.then_do(credit(3));
    // Of the 8.00 that are left, 2.00 fill the line up: 8.00 at 20 %.
    assert_eq!(host.state.available(USD), usd(5_000 + 80 + (200 + 640) / 10));
}

#[test]
fn a_dispute_takes_from_each_in_proportion_and_to_the_last_cent() {
    let host = given([]).then_do(shared_sale(1, usd(1_000), thirds()));
    // 1.00 of 10.00: 34 + 33 + 33 cents.
    let events = host
        .clone()
        .when(PayoutCommand::ReverseEarning(disputed(100, "dp_1")))
        .events();
    assert_eq!(co_hosts(&events[0]), [part(ANN, 33), part(BEN, 33)]);
    let host = host.then_do(PayoutCommand::ReverseEarning(disputed(100, "dp_1")));
    assert_eq!(host.state.available(USD), usd(300));
    let rest = host
        .when(PayoutCommand::ReverseEarning(disputed(1_000, "dp_2")))
        .events();
    assert_eq!(co_hosts(&rest[0]), [part(ANN, 300), part(BEN, 300)]);
}

#[test]
fn a_dispute_is_followed_by_everybody_from_where_it_is() {
    let host = given([]).then_do(shared_sale(1, usd(1_000), thirds()));
    let look = |host: &Given<Payout>| host.state.shared_dispute("dp_1", ANN);
    assert_eq!(look(&host), None);
    let held = host.then_do(PayoutCommand::HoldEarning(disputed(1_000, "dp_1")));
    assert_eq!(look(&held), Some(SharedDispute::Open(usd(333))));
    let won = held
        .clone()
        .then_do(PayoutCommand::ReleaseEarning(disputed(1_000, "dp_1")));
    assert_eq!(look(&won), Some(SharedDispute::Won));
    assert_eq!(won.state.available(USD), usd(334));
    let lost = held.then_do(PayoutCommand::ReverseEarning(disputed(1_000, "dp_1")));
    assert_eq!(look(&lost), Some(SharedDispute::Lost(usd(333))));
    assert_eq!(lost.state.shared_dispute("dp_1", user(99)), None);
}

/// The news that it was opened may come after the news that it was won.
#[test]
fn what_is_over_holds_nothing_any_more() {
    let earning = SharedEarning {
        ticket_id: ticket(1),
        room_id: room(1),
        host: HOST,
        share: usd(333),
        earning: EarningRules::default(),
        at: at(3),
    };
    let ann = given([]).then_do(PayoutCommand::CreditShare(Box::new(earning)));
    let won = ann.clone().then_do(PayoutCommand::ReleaseShare(share_disputed(333)));
    let won = won.when(PayoutCommand::HoldShare(share_disputed(333))).then_nothing();
    assert_eq!(won.state.available(USD), usd(333));
    let lost = ann
        .then_do(PayoutCommand::HoldShare(share_disputed(333)))
        .then_do(PayoutCommand::ReverseShare(share_disputed(333)));
    assert_eq!((lost.state.available(USD), lost.state.reserved(USD)), (usd(0), usd(0)));
    lost.when(PayoutCommand::HoldShare(share_disputed(333))).then_nothing();
}
