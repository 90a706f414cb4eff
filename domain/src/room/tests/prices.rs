//! Price tiers and promo codes: an early tier of two seats at 8.00, a supporter tier at 25.00, a code for half the price.

use super::*;
use crate::{Customer, Pricing};

pub(super) fn tier(key: &str, price: i64, quota: u32) -> PriceTier {
    PriceTier {
        tier: key.to_owned(),
        name: format!("The {key} ones"),
        price: usd(price),
        quota,
        opens_at: None,
        closes_at: None,
    }
}

pub(super) fn code(text: &str) -> crate::Fingerprint {
    code_hash(room(1), text)
}

pub(super) fn half(quota: u32) -> PromoCode {
    PromoCode {
        code: code("HALF"),
        label: "newsletter".to_owned(),
        discount: Discount::Share {
            basis_points: BasisPoints::try_new(5_000).expect("a share"),
        },
        quota,
        per_buyer: 1,
        tier: None,
        opens_at: Some(at(0)),
        closes_at: Some(at(5_000)),
    }
}

pub(super) fn tiered(capacity: u32, early: u32, codes: Vec<PromoCode>) -> RoomEvent {
    let sale = SaleOptions {
        tiers: vec![tier("early", 800, early), tier("supporter", 2_500, 5)],
        promo_codes: codes,
        ..SaleOptions::default()
    };
    RoomEvent::RoomScheduled(RoomScheduled {
        capacity,
        sale,
        ..scheduled()
    })
}

pub(super) fn wish(tier: Option<&str>, promo: Option<&str>) -> Option<Box<PriceWish>> {
    let wish = PriceWish {
        tier: tier.map(str::to_owned),
        promo_code: promo.map(code),
    };
    wish.boxed()
}

pub(super) fn hold_at(number: u128, buyer: UserId, wish: Option<Box<PriceWish>>, second: i64) -> RoomCommand {
    let RoomCommand::HoldSeat(hold) = hold(ticket(number), buyer, at(second)) else {
        unreachable!("hold() holds");
    };
    RoomCommand::HoldSeat(HoldSeat { wish, ..hold })
}

pub(super) fn held_in(number: u128, buyer: UserId, key: &str, price: i64, second: i64) -> RoomEvent {
    let pricing = Pricing {
        tier: Some(key.to_owned()),
        tier_name: Some(format!("The {key} ones")),
        list_price: usd(price),
        promo_code: None,
        discount: None,
    };
    held_at_terms(number, buyer, usd(price), pricing, second)
}

fn held_at_terms(number: u128, buyer: UserId, total: crate::Money, pricing: Pricing, second: i64) -> RoomEvent {
    let RoomEvent::SeatHeld(held) = seat_held(ticket(number), buyer, second) else {
        unreachable!("seat_held() holds");
    };
    let terms = Terms {
        total,
        pricing: Some(Box::new(pricing)),
        ..terms()
    };
    RoomEvent::SeatHeld(SeatHeld { terms, ..held })
}

pub(super) fn at_half(number: u128, buyer: UserId, second: i64) -> RoomEvent {
    let pricing = Pricing {
        tier: None,
        tier_name: None,
        list_price: usd(1_000),
        promo_code: Some(code("half")),
        discount: Some(usd(500)),
    };
    held_at_terms(number, buyer, usd(500), pricing, second)
}

fn taken(room: &Room, key: &str) -> Option<u32> {
    Some(room.prices()?.tier(key)?.1)
}

const EARLY_IS_OVER: RoomError = RoomError::QuotaExhausted {
    quota: Quota::Tier,
    limit: 1,
};

#[test]
fn a_tier_has_its_price_and_its_quota() {
    let room = given([tiered(3, 1, vec![])])
        .when(hold_at(1, ANN, wish(Some("early"), None), 10))
        .then([held_in(1, ANN, "early", 800, 10)]);
    assert_eq!(taken(&room.state, "early"), Some(1));
    room.clone()
        .when(hold_at(2, BOB, wish(Some("early"), None), 11))
        .then_err(EARLY_IS_OVER);
    room.when(hold(ticket(2), BOB, at(11)))
        .then([seat_held(ticket(2), BOB, 11)]);
}

#[test]
fn a_tier_ends_where_the_room_does() {
    let full = given([tiered(1, 1, vec![]), seat_held(ticket(1), ANN, 10)]);
    full.when(hold_at(2, BOB, wish(Some("early"), None), 11))
        .then_err(RoomError::SoldOut { capacity: 1 });
    given([tiered(1, 1, vec![])])
        .when(hold_at(1, ANN, wish(Some("balcony"), None), 10))
        .then_err(RoomError::InvalidField {
            field: "tier",
            reason: "is none of this room's".to_owned(),
        });
}

#[test]
fn every_way_back_gives_back_to_the_tier() {
    let held = || given([tiered(3, 1, vec![]), held_in(1, ANN, "early", 800, 10)]);
    let back = [
        held().then_do(give_back(ticket(1), ANN, at(20))),
        held().then_do(RoomCommand::ReleaseLapsed { at: at(70) }),
        held()
            .then_do(sell(ticket(1), ANN, at(20)))
            .then_do(free_refunded(ticket(1), at(30))),
        held().then_do(RoomCommand::Cancel {
            by: Authority::Admin,
            at: at(20),
        }),
    ];
    assert!(back.iter().all(|room| taken(&room.state, "early") == Some(0)));
    // Who is given a ticket takes nothing anew.
    let given_away = held()
        .then_do(sell(ticket(1), ANN, at(20)))
        .then_do(RoomCommand::TransferSeat {
            ticket_id: ticket(1),
            from: ANN,
            to: BOB,
            at: at(30),
        });
    assert_eq!(taken(&given_away.state, "early"), Some(1));
    let refunded = given_away.then_do(free_refunded(ticket(1), at(40)));
    assert_eq!(taken(&refunded.state, "early"), Some(0));
}

#[test]
fn a_lapsed_seat_of_a_tier_is_never_sold_out_however_many_lapsed_before_it() {
    let holds = (0..40).map(|number| seat_held(ticket(number), user(1_000 + number), 10));
    let room = given([tiered(50, 1, vec![])])
        .and(holds)
        .and([held_in(100, ANN, "early", 800, 11)]);
    let events = room
        .state
        .decide(hold_at(200, BOB, wish(Some("early"), None), 71))
        .unwrap();
    assert!(events.contains(&seat_released(ticket(100), ANN, ReleaseReason::Lapsed, 71)));
    assert_eq!(events.last(), Some(&held_in(200, BOB, "early", 800, 71)));
    assert_eq!(events.len(), 32 + 2);
}

#[test]
fn a_late_payment_takes_its_tier_anew_or_has_its_money_back() {
    let lapsed = || {
        given([
            tiered(3, 1, vec![]),
            held_in(1, ANN, "early", 800, 10),
            seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
        ])
    };
    let again = RoomEvent::SeatSold(SeatSold {
        ticket_id: ticket(1),
        buyer: ANN,
        late: true,
        still_held: false,
        sold_at: at(80),
        retakes: Some(Box::new(Retaken {
            tier: Some("early".to_owned()),
            promo_code: None,
        })),
    });
    let room = lapsed().when(sell(ticket(1), ANN, at(80))).then([again]);
    assert_eq!(taken(&room.state, "early"), Some(1));
    lapsed()
        .and([held_in(2, BOB, "early", 800, 75)])
        .when(sell(ticket(1), ANN, at(80)))
        .then([seat_denied(ticket(1), ANN, DenialReason::SoldOut, 80)]);
}

/// Ann paid late for the early tier, which Bob has now; the room has other seats.
fn waiting_for_a_tier() -> Given<Room> {
    let RoomEvent::SeatHeld(mut held) = held_in(1, ANN, "early", 800, 10) else {
        unreachable!("held_in() holds");
    };
    held.options = HoldOptions {
        wait_if_late: true,
        ..HoldOptions::default()
    }
    .boxed();
    given([
        tiered(3, 1, vec![]),
        RoomEvent::SeatHeld(held),
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
        held_in(2, BOB, "early", 800, 75),
    ])
    .when(sell(ticket(1), ANN, at(80)))
    .then([RoomEvent::SeatAwaited {
        ticket_id: ticket(1),
        buyer: ANN,
        until: at(680),
        awaited_at: at(80),
    }])
}

#[test]
fn who_paid_late_for_a_tier_waits_for_that_tier_and_nothing_spins_meanwhile() {
    let room = waiting_for_a_tier();
    assert_eq!(
        room.state.next_due(at(81)),
        Some(at(135)),
        "Bob's hold is what is due next"
    );
    let events = room.state.decide(give_back(ticket(2), BOB, at(90))).unwrap();
    assert!(matches!(&events[1], RoomEvent::SeatSold(sold) if sold.ticket_id == ticket(1) && sold.late));
    let line = room.then_do(RoomCommand::JoinWaitingList(JoinWaitingList {
        rollout: None,
        user: CLEO,
        ticket_id: ticket(3),
        customer: Customer::NotAsked,
        request: request("join"),
        at: at(95),
    }));
    assert!(
        line.state.seat(ticket(3)).is_some(),
        "who can be served does not wait for who cannot"
    );
}

#[test]
fn an_offer_is_at_the_lowest_price_there_is() {
    let join = |number, user, second| {
        RoomCommand::JoinWaitingList(JoinWaitingList {
            rollout: None,
            user,
            ticket_id: ticket(number),
            customer: Customer::NotAsked,
            request: request("join"),
            at: at(second),
        })
    };
    let full = given([
        tiered(2, 1, vec![]),
        held_in(1, ANN, "early", 800, 10),
        seat_held(ticket(2), BOB, 11),
    ]);
    let line = full.then_do(join(3, CLEO, 20)).then_do(join(4, DAN, 21));
    let offers = line.then_do(RoomCommand::ReleaseLapsed { at: at(71) });
    let total = |number| match offers.state.seat(ticket(number)) {
        Some(Seat::Held(hold)) => hold.terms.total,
        other => panic!("no offer: {other:?}"),
    };
    assert_eq!((total(3), total(4)), (usd(800), usd(1_000)));
}

#[test]
fn a_code_takes_off_what_it_says_and_one_buyer_has_it_once() {
    let room = given([tiered(3, 1, vec![half(2)])])
        .when(hold_at(1, ANN, wish(None, Some(" half ")), 10))
        .then([at_half(1, ANN, 10)]);
    let mut two_each = room;
    two_each = two_each.and([RoomEvent::RoomRevised(RoomRevised {
        revision: Revision {
            tickets_per_buyer: Some(2),
            ..Revision::default()
        },
        revised_at: at(11),
    })]);
    two_each
        .clone()
        .when(hold_at(2, ANN, wish(None, Some("HALF")), 12))
        .then_err(RoomError::PromoCodeRefused {
            reason: PromoCodeRefusal::BuyerLimit { limit: 1 },
        });
    let both = two_each.then_do(hold_at(3, BOB, wish(None, Some("HALF")), 13));
    both.when(hold_at(4, CLEO, wish(None, Some("HALF")), 14))
        .then_err(RoomError::QuotaExhausted {
            quota: Quota::PromoCode,
            limit: 2,
        });
}

#[test]
fn giving_a_ticket_away_does_not_bring_the_code_back() {
    let mut per_buyer_two = scheduled();
    per_buyer_two.tickets_per_buyer = 2;
    per_buyer_two.sale.promo_codes = vec![half(2)];
    let room = given([RoomEvent::RoomScheduled(per_buyer_two), at_half(1, ANN, 10)])
        .then_do(sell(ticket(1), ANN, at(20)))
        .then_do(RoomCommand::TransferSeat {
            ticket_id: ticket(1),
            from: ANN,
            to: BOB,
            at: at(30),
        });
    room.when(hold_at(2, ANN, wish(None, Some("half")), 40))
        .then_err(RoomError::PromoCodeRefused {
            reason: PromoCodeRefusal::BuyerLimit { limit: 1 },
        });
}

#[test]
fn a_code_is_refused_with_the_reason() {
    let for_early = PromoCode {
        code: code("EARLY"),
        tier: Some("early".to_owned()),
        ..half(1)
    };
    let room = || given([tiered(3, 1, vec![half(2), for_early.clone()])]);
    let refused = |reason| RoomError::PromoCodeRefused { reason };
    for (promo, tier, second, reason) in [
        ("nope", None, 10, PromoCodeRefusal::Unknown),
        ("half", None, 5_000, PromoCodeRefusal::Expired),
        ("early", None, 10, PromoCodeRefusal::OtherTier),
        ("early", Some("supporter"), 10, PromoCodeRefusal::OtherTier),
    ] {
        room()
            .when(hold_at(1, ANN, wish(tier, Some(promo)), second))
            .then_err(refused(reason));
    }
    let later = PromoCode {
        opens_at: Some(at(100)),
        ..half(2)
    };
    given([tiered(3, 1, vec![later])])
        .when(hold_at(1, ANN, wish(None, Some("half")), 10))
        .then_err(refused(PromoCodeRefusal::NotYet));
}

#[test]
fn a_discount_is_never_more_than_the_price() {
    let gift = Discount::Amount { amount: usd(5_000) };
    assert_eq!(gift.off(usd(800)), Ok(usd(800)));
    let third = Discount::Share {
        basis_points: BasisPoints::try_new(3_333).expect("a share"),
    };
    assert_eq!(
        third.off(usd(1_000)),
        Ok(usd(333)),
        "what is left over stays in the price"
    );
}
