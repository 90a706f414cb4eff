//! Seats: held first, sold once, never more than there are.

use super::*;

fn sold_out() -> Vec<RoomEvent> {
    let seats = [(1, ANN), (2, BOB), (3, CLEO)];
    let held = seats.map(|(number, buyer)| seat_held(ticket(number), buyer, 10));
    [room_scheduled()].into_iter().chain(held).collect()
}

#[test]
fn a_buyer_holds_a_seat_on_the_rooms_terms() {
    given([room_scheduled()])
        .when(hold(ticket(1), ANN, at(10)))
        .then([seat_held(ticket(1), ANN, 10)]);
}

#[test]
fn a_repeated_hold_records_nothing_whatever_became_of_it() {
    let mut pasts = vec![vec![]];
    pasts.push(vec![seat_sold(ticket(1), ANN, 20)]);
    for reason in [ReleaseReason::Lapsed, ReleaseReason::GivenBack, ReleaseReason::Refunded] {
        pasts.push(vec![seat_released(ticket(1), ANN, reason, 20)]);
    }
    pasts.push(vec![room_opened(), room_ended()]);
    for past in pasts {
        given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
            .and(past)
            .when(hold(ticket(1), ANN, at(30)))
            .then_nothing();
    }
}

#[test]
fn a_ticket_id_is_never_used_for_another_request() {
    let past = [
        room_scheduled(),
        seat_held(ticket(1), ANN, 10),
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
    ];
    given(past.clone())
        .when(hold(ticket(1), BOB, at(80)))
        .then_err(RoomError::KeyReused);
    let other = RoomCommand::HoldSeat(HoldSeat {
        wish: None,
        rollout: None,
        ticket_id: ticket(1),
        buyer: ANN,
        channel: Channel::Web,
        options: None,
        request: request("other"),
        at: at(80),
        customer: crate::Customer::NotAsked,
    });
    given(past).when(other).then_err(RoomError::KeyReused);
}

#[test]
fn a_sold_out_room_refuses_another_hold() {
    let refusal = RoomError::SoldOut { capacity: CAPACITY };
    given(sold_out()).when(hold(ticket(4), DAN, at(69))).then_err(refusal);
}

#[test]
fn a_lapsed_seat_is_never_sold_out() {
    given(sold_out()).when(hold(ticket(4), DAN, at(70))).then([
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
        seat_released(ticket(2), BOB, ReleaseReason::Lapsed, 70),
        seat_released(ticket(3), CLEO, ReleaseReason::Lapsed, 70),
        seat_held(ticket(4), DAN, 70),
    ]);
}

/// A hall of `seats` whose holds are all over at second 70; the last one is Ann's.
fn lapsed_hall(seats: u32) -> Vec<RoomEvent> {
    let mut hall = scheduled();
    hall.capacity = seats;
    let buyers = (1..seats).map(|seat| user(u128::from(seat) << 32)).chain([ANN]);
    let holds = (0..)
        .zip(buyers)
        .map(|(seat, buyer)| seat_held(ticket(seat), buyer, 10));
    std::iter::once(RoomEvent::RoomScheduled(hall)).chain(holds).collect()
}

#[test]
fn a_buyer_does_not_pay_for_a_whole_hall_that_lapsed() {
    let room = given(lapsed_hall(200));
    let events = room.state.decide(hold(ticket(250), DAN, at(70))).unwrap();
    assert_eq!(events.len(), 33);
    assert_eq!(events.last(), Some(&seat_held(ticket(250), DAN, 70)));
    let first = seat_released(ticket(0), user(1 << 32), ReleaseReason::Lapsed, 70);
    assert_eq!(events.first(), Some(&first), "the first that lapsed goes first");
}

#[test]
fn the_lapsed_holds_of_the_buyer_are_released_wherever_they_are_in_line() {
    let room = given(lapsed_hall(200));
    let events = room.state.decide(hold(ticket(250), ANN, at(70))).unwrap();
    assert!(events.contains(&seat_released(ticket(199), ANN, ReleaseReason::Lapsed, 70)));
    assert_eq!(events.len(), 34);
}

#[test]
fn a_refused_hold_releases_nothing() {
    given([room_scheduled(), seat_held(ticket(1), ANN, 7_100)])
        .when(hold(ticket(2), BOB, at(SALES_CLOSE)))
        .then_err(RoomError::SalesClosed {
            closed_at: at(SALES_CLOSE),
        });
}

#[test]
fn seats_are_held_only_within_the_sales_window() {
    given([room_scheduled()])
        .when(hold(ticket(1), ANN, at(-1)))
        .then_err(RoomError::SalesNotOpen {
            opens_at: at(SALES_OPEN),
        });
    given([room_scheduled()])
        .when(hold(ticket(1), ANN, at(SALES_CLOSE)))
        .then_err(RoomError::SalesClosed {
            closed_at: at(SALES_CLOSE),
        });
    given([room_scheduled(), room_opened()])
        .when(hold(ticket(1), ANN, at(SALES_CLOSE - 1)))
        .then([seat_held(ticket(1), ANN, SALES_CLOSE - 1)]);
}

#[test]
fn a_buyer_has_one_ticket_held_or_sold() {
    let refusal = RoomError::TicketLimitReached { limit: 1 };
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(hold(ticket(2), ANN, at(20)))
        .then_err(refusal.clone());
    given([room_scheduled()])
        .and(bought(1, ANN))
        .when(hold(ticket(2), ANN, at(7_000)))
        .then_err(refusal);
}

#[test]
fn a_lapsed_hold_does_not_count_against_its_buyer() {
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(hold(ticket(2), ANN, at(70)))
        .then([
            seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
            seat_held(ticket(2), ANN, 70),
        ]);
}

#[test]
fn a_room_that_is_over_holds_no_seats() {
    given([room_scheduled(), room_cancelled()])
        .when(hold(ticket(1), ANN, at(20)))
        .then_err(RoomError::RoomOver);
    given([room_scheduled(), room_opened(), room_ended()])
        .when(hold(ticket(1), ANN, at(7_100)))
        .then_err(RoomError::RoomOver);
}

#[test]
fn a_person_who_was_removed_cannot_buy_again() {
    let removed = RoomEvent::PersonRemoved {
        user: ANN,
        by: HOST,
        removed_at: at(3_600),
    };
    given([room_scheduled(), room_opened(), removed])
        .when(hold(ticket(2), ANN, at(3_700)))
        .then_err(RoomError::Removed);
}

/// Ann has a ticket and was sent out of the live room.
fn ann_was_removed() -> Vec<RoomEvent> {
    let removed = RoomEvent::PersonRemoved {
        user: ANN,
        by: HOST,
        removed_at: at(3_600),
    };
    let [held, sold] = bought(1, ANN);
    vec![room_scheduled(), held, sold, room_opened(), removed]
}

#[test]
fn a_person_who_was_removed_gets_the_money_of_a_further_hold_back() {
    let [scheduled, held, sold, opened, removed] = &ann_was_removed()[..] else {
        unreachable!("five events");
    };
    let further = seat_held(ticket(2), ANN, 3_590);
    given([scheduled, held, sold, opened, &further, removed].map(Clone::clone))
        .when(sell(ticket(2), ANN, at(3_610)))
        .then([
            seat_released(ticket(2), ANN, ReleaseReason::Removed, 3_610),
            seat_denied(ticket(2), ANN, DenialReason::Removed, 3_610),
        ])
        .when(sell(ticket(2), ANN, at(3_620)))
        .then_nothing()
        .when(hold(ticket(3), BOB, at(3_630)))
        .then([seat_held(ticket(3), BOB, 3_630)]);
}

#[test]
fn a_late_payment_of_a_person_who_was_removed_goes_back() {
    given(ann_was_removed())
        .when(sell(ticket(2), ANN, at(3_700)))
        .then([seat_denied(ticket(2), ANN, DenialReason::Removed, 3_700)])
        .when(sell(ticket(2), ANN, at(3_710)))
        .then_nothing();
    given(ann_was_removed())
        .and([room_ended()])
        .when(sell(ticket(2), ANN, at(7_100)))
        .then([seat_denied(ticket(2), ANN, DenialReason::RoomOver, 7_100)]);
}

#[test]
fn others_still_buy_after_somebody_was_removed() {
    given(ann_was_removed())
        .and([seat_held(ticket(2), BOB, 3_700)])
        .when(sell(ticket(2), BOB, at(3_710)))
        .then([seat_sold(ticket(2), BOB, 3_710)]);
}

#[test]
fn a_held_seat_is_sold_in_time() {
    given(sold_out())
        .when(sell(ticket(2), BOB, at(69)))
        .then([seat_sold(ticket(2), BOB, 69)])
        .when(sell(ticket(2), BOB, at(90)))
        .then_nothing();
}

#[test]
fn a_seat_that_lapsed_unnoticed_is_still_sold_and_called_late() {
    let sold = RoomEvent::SeatSold(SeatSold {
        ticket_id: ticket(2),
        buyer: BOB,
        late: true,
        still_held: true,
        sold_at: at(70),
        retakes: None,
    });
    given(sold_out()).when(sell(ticket(2), BOB, at(70))).then([sold]);
}

#[test]
fn a_held_seat_is_sold_even_after_the_sales_closed() {
    given([room_scheduled(), seat_held(ticket(1), ANN, 7_180)])
        .when(sell(ticket(1), ANN, at(7_210)))
        .then([seat_sold(ticket(1), ANN, 7_210)]);
}

#[test]
fn a_seat_is_not_sold_to_somebody_else() {
    given(sold_out())
        .when(sell(ticket(2), DAN, at(20)))
        .then_err(RoomError::HoldExpired);
}

#[test]
fn a_late_payment_finds_a_free_seat() {
    given([
        room_scheduled(),
        seat_held(ticket(1), ANN, 10),
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
    ])
    .when(sell(ticket(1), ANN, at(80)))
    .then([seat_sold_late(ticket(1), ANN, 80)]);
}

#[test]
fn a_late_payment_finds_a_seat_that_lapsed_unnoticed() {
    given(sold_out()).when(sell(ticket(4), DAN, at(70))).then([
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
        seat_released(ticket(2), BOB, ReleaseReason::Lapsed, 70),
        seat_released(ticket(3), CLEO, ReleaseReason::Lapsed, 70),
        seat_sold_late(ticket(4), DAN, 70),
    ]);
}

#[test]
fn a_late_payment_is_denied_when_no_seat_is_to_be_had() {
    given(sold_out())
        .when(sell(ticket(4), DAN, at(20)))
        .then([seat_denied(ticket(4), DAN, DenialReason::SoldOut, 20)])
        .when(sell(ticket(4), DAN, at(80)))
        .then_nothing();
    given([room_scheduled()])
        .when(sell(ticket(4), DAN, at(SALES_CLOSE)))
        .then([seat_denied(ticket(4), DAN, DenialReason::SalesClosed, SALES_CLOSE)]);
    given([room_scheduled()])
        .and(bought(1, ANN))
        .when(sell(ticket(2), ANN, at(80)))
        .then([seat_denied(ticket(2), ANN, DenialReason::TicketLimit, 80)]);
    given([room_scheduled(), room_cancelled()])
        .when(sell(ticket(1), ANN, at(80)))
        .then([seat_denied(ticket(1), ANN, DenialReason::RoomOver, 80)]);
    given([room_scheduled(), room_opened(), room_ended()])
        .when(sell(ticket(1), ANN, at(7_100)))
        .then([seat_denied(ticket(1), ANN, DenialReason::RoomOver, 7_100)]);
}

#[test]
fn a_denied_ticket_stays_denied_when_a_seat_comes_free() {
    given(sold_out())
        .then_do(sell(ticket(4), DAN, at(20)))
        .then_do(give_back(ticket(1), ANN, at(25)))
        .when(sell(ticket(4), DAN, at(30)))
        .then_nothing();
}

#[test]
fn a_buyer_gives_a_hold_back_once() {
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(give_back(ticket(1), ANN, at(20)))
        .then([seat_released(ticket(1), ANN, ReleaseReason::GivenBack, 20)])
        .when(give_back(ticket(1), ANN, at(30)))
        .then_nothing();
}

#[test]
fn only_a_hold_of_ones_own_can_be_given_back() {
    given([room_scheduled()])
        .and(bought(1, ANN))
        .when(give_back(ticket(1), ANN, at(20)))
        .then_err(RoomError::SeatIsSold);
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(give_back(ticket(1), BOB, at(20)))
        .then_err(RoomError::HoldExpired);
    given([room_scheduled()])
        .when(give_back(ticket(1), ANN, at(20)))
        .then_err(RoomError::HoldExpired);
    given([
        room_scheduled(),
        seat_held(ticket(1), ANN, 10),
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
    ])
    .when(give_back(ticket(1), ANN, at(80)))
    .then_err(RoomError::HoldExpired);
}

#[test]
fn a_refunded_seat_is_offered_again() {
    given([room_scheduled()])
        .and(bought(1, ANN))
        .when(free_refunded(ticket(1), at(100)))
        .then([seat_released(ticket(1), ANN, ReleaseReason::Refunded, 100)])
        .when(free_refunded(ticket(1), at(101)))
        .then_nothing()
        .when(sell(ticket(1), ANN, at(102)))
        .then_nothing()
        .when(hold(ticket(2), BOB, at(103)))
        .then([seat_held(ticket(2), BOB, 103)]);
}

#[test]
fn a_refund_before_the_sale_was_noted_frees_the_hold_for_good() {
    let released = RoomEvent::SeatReleased(SeatReleased {
        ticket_id: ticket(1),
        buyer: ANN,
        reason: ReleaseReason::Refunded,
        still_held: true,
        released_at: at(20),
    });
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(free_refunded(ticket(1), at(20)))
        .then([released])
        .when(sell(ticket(1), ANN, at(30)))
        .then_nothing();
}

#[test]
fn a_refund_after_the_room_is_over_frees_nothing() {
    for over in [vec![room_opened(), room_ended()], vec![room_cancelled()]] {
        given([room_scheduled()])
            .and(bought(1, ANN))
            .and(over)
            .when(free_refunded(ticket(1), at(7_100)))
            .then_nothing();
    }
    given([room_scheduled()])
        .when(free_refunded(ticket(9), at(100)))
        .then_nothing();
}

#[test]
fn lapsed_holds_are_released_and_others_stay() {
    given([
        room_scheduled(),
        seat_held(ticket(1), ANN, 10),
        seat_held(ticket(2), BOB, 11),
        seat_held(ticket(3), CLEO, 9),
    ])
    .when(RoomCommand::ReleaseLapsed { at: at(70) })
    .then([
        seat_released(ticket(3), CLEO, ReleaseReason::Lapsed, 70),
        seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 70),
    ]);
}

#[test]
fn others_can_ask_what_a_ticket_has() {
    let state = given([room_scheduled(), seat_held(ticket(2), BOB, 11)])
        .and(bought(1, ANN))
        .state;
    assert_eq!(state.seat(ticket(1)), Some(Seat::Sold { buyer: ANN }));
    assert!(
        matches!(state.seat(ticket(2)), Some(Seat::Held(hold)) if hold.expires_at == at(71) && hold.terms == terms())
    );
    assert_eq!(state.seat(ticket(3)), None);
    assert_eq!(state.sold().collect::<Vec<_>>(), [(ticket(1), ANN)]);
    assert_eq!((state.held_count(), state.sold_count()), (1, 1));
    assert_eq!(state.next_expiry(), Some(at(71)));
}
