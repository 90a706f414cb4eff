//! The waiting list: first come, first served, never after the sales, and late payers for a moment in front.

use super::*;
use crate::Customer;

const OFFER: i64 = 600;

fn join(number: u128, user: UserId, second: i64) -> RoomCommand {
    RoomCommand::JoinWaitingList(JoinWaitingList {
        rollout: None,
        user,
        ticket_id: ticket(number),
        customer: Customer::NotAsked,
        request: request("join"),
        at: at(second),
    })
}

fn leave(user: UserId, second: i64) -> RoomCommand {
    RoomCommand::LeaveWaitingList { user, at: at(second) }
}

fn joined(number: u128, user: UserId, second: i64) -> RoomEvent {
    RoomEvent::WaitingListJoined {
        user,
        ticket_id: ticket(number),
        request: request("join"),
        customer: Customer::NotAsked,
        joined_at: at(second),
    }
}

fn left(user: UserId, reason: LeaveReason, second: i64) -> RoomEvent {
    RoomEvent::WaitingListLeft {
        user,
        reason,
        left_at: at(second),
    }
}

fn offered(number: u128, buyer: UserId, second: i64) -> RoomEvent {
    offered_until(number, buyer, second, second.saturating_add(OFFER))
}

fn offered_until(number: u128, buyer: UserId, second: i64, until: i64) -> RoomEvent {
    let options = HoldOptions {
        offered: true,
        ..HoldOptions::default()
    };
    RoomEvent::SeatHeld(SeatHeld {
        ticket_id: ticket(number),
        buyer,
        terms: terms(),
        request: request("join"),
        held_at: at(second),
        expires_at: at(until),
        options: options.boxed(),
    })
}

fn lapse(second: i64) -> RoomCommand {
    RoomCommand::ReleaseLapsed { at: at(second) }
}

fn lapsed(number: u128, buyer: UserId, second: i64) -> RoomEvent {
    seat_released(ticket(number), buyer, ReleaseReason::Lapsed, second)
}

/// One seat, held by Ann until second 70; Bob is first in line, Cleo second.
fn line_of_two() -> Given<Room> {
    let one_seat = RoomEvent::RoomScheduled(RoomScheduled {
        capacity: 1,
        ..scheduled()
    });
    given([
        one_seat,
        seat_held(ticket(1), ANN, 10),
        joined(2, BOB, 20),
        joined(3, CLEO, 21),
    ])
}

fn place(room: &Given<Room>, user: UserId) -> Option<u32> {
    room.state.waiting_place(user)?.place
}

#[test]
fn people_see_their_place_in_line() {
    let room = line_of_two();
    assert_eq!(
        (place(&room, BOB), place(&room, CLEO), place(&room, DAN)),
        (Some(1), Some(2), None)
    );
    let room = room.then_do(leave(BOB, 30));
    assert_eq!((place(&room, BOB), place(&room, CLEO)), (None, Some(1)));
}

#[test]
fn a_seat_that_lapses_is_offered_to_the_first_in_line_before_anybody_else() {
    let room = line_of_two()
        .when(lapse(70))
        .then([lapsed(1, ANN, 70), offered(2, BOB, 70)]);
    let offer = room.state.waiting_place(BOB).and_then(|place| place.offer);
    assert_eq!(offer, Some((ticket(2), at(70 + OFFER))));
    assert_eq!(place(&room, CLEO), Some(1));
    room.when(hold(ticket(9), DAN, at(71)))
        .then_err(RoomError::SoldOut { capacity: 1 });
}

#[test]
fn nobody_comes_between_a_lapsed_hold_and_the_line() {
    line_of_two()
        .when(hold(ticket(9), DAN, at(70)))
        .then_err(RoomError::SoldOut { capacity: 1 });
}

#[test]
fn a_declined_offer_and_a_lapsed_one_go_to_the_next() {
    let offer = || line_of_two().then_do(lapse(70));
    let passed_on = [
        seat_released(ticket(2), BOB, ReleaseReason::GivenBack, 80),
        offered(3, CLEO, 80),
    ];
    offer().when(leave(BOB, 80)).then(passed_on.clone());
    offer().when(give_back(ticket(2), BOB, at(80))).then(passed_on);
    offer()
        .when(lapse(70 + OFFER))
        .then([lapsed(2, BOB, 70 + OFFER), offered(3, CLEO, 70 + OFFER)])
        .when(lapse(70 + 2 * OFFER))
        .then([lapsed(3, CLEO, 70 + 2 * OFFER)])
        .when(hold(ticket(9), DAN, at(70 + 2 * OFFER)))
        .then([seat_held(ticket(9), DAN, 70 + 2 * OFFER)]);
}

#[test]
fn an_offer_is_paid_like_any_other_hold() {
    line_of_two()
        .then_do(lapse(70))
        .when(sell(ticket(2), BOB, at(90)))
        .then([seat_sold(ticket(2), BOB, 90)])
        .when(free_refunded(ticket(2), at(100)))
        .then([
            seat_released(ticket(2), BOB, ReleaseReason::Refunded, 100),
            offered(3, CLEO, 100),
        ]);
}

#[test]
fn an_offer_never_stands_beyond_the_sales_and_is_never_made_after_them() {
    let room = line_of_two().and([seat_sold(ticket(1), ANN, 30)]);
    room.clone().when(free_refunded(ticket(1), at(SALES_CLOSE - 5))).then([
        seat_released(ticket(1), ANN, ReleaseReason::Refunded, SALES_CLOSE - 5),
        offered_until(2, BOB, SALES_CLOSE - 5, SALES_CLOSE),
    ]);
    room.when(free_refunded(ticket(1), at(SALES_CLOSE)))
        .then([seat_released(ticket(1), ANN, ReleaseReason::Refunded, SALES_CLOSE)]);
}

#[test]
fn the_line_is_told_when_the_room_is_cancelled_or_over() {
    let by = Authority::User(HOST);
    line_of_two().when(RoomCommand::Cancel { by, at: at(3_000) }).then([
        room_cancelled(),
        seat_released(ticket(1), ANN, ReleaseReason::RoomCancelled, 3_000),
        left(BOB, LeaveReason::RoomCancelled, 3_000),
        left(CLEO, LeaveReason::RoomCancelled, 3_000),
    ]);
    let ended = line_of_two()
        .and([room_opened()])
        .then_do(RoomCommand::End { by, at: at(7_000) });
    assert_eq!(ended.state.waiting_count(), 0);
    ended.when(join(7, DAN, 7_001)).then_err(RoomError::RoomOver);
}

#[test]
fn who_joins_while_a_seat_is_free_is_offered_it_at_once() {
    given([room_scheduled()])
        .when(join(2, BOB, 20))
        .then([joined(2, BOB, 20), offered(2, BOB, 20)]);
}

#[test]
fn a_repeated_request_does_not_join_again_and_a_new_one_stays_in_place() {
    line_of_two().when(join(2, BOB, 40)).then_nothing();
    line_of_two().when(join(5, BOB, 40)).then_nothing();
    line_of_two().when(join(2, DAN, 40)).then_err(RoomError::KeyReused);
    line_of_two()
        .then_do(leave(BOB, 40))
        .when(join(2, BOB, 41))
        .then_nothing();
    let room = line_of_two().then_do(leave(BOB, 40)).then_do(join(5, BOB, 41));
    assert_eq!(place(&room, BOB), Some(2), "at the end");
}

#[test]
fn only_who_may_buy_may_wait() {
    let refusal = RoomError::TicketLimitReached { limit: 1 };
    line_of_two().when(join(7, ANN, 20)).then_err(refusal);
    let closed_at = at(SALES_CLOSE);
    line_of_two()
        .when(join(7, DAN, SALES_CLOSE))
        .then_err(RoomError::SalesClosed { closed_at });
}

#[test]
fn more_seats_go_to_the_line_first_and_a_pause_holds_offers_back() {
    let by = Authority::User(HOST);
    let grow = || {
        RoomCommand::Revise(Box::new(ReviseRoom {
            by,
            wish: Revision {
                capacity: Some(2),
                ..Revision::default()
            },
            permit: HostPermit::Sells,
            preset: Preset::open(),
            at: at(30),
        }))
    };
    let events = line_of_two().when(grow()).events();
    assert_eq!(events.last(), Some(&offered(2, BOB, 30)));
    let paused = line_of_two().then_do(RoomCommand::PauseSales { by, at: at(25) });
    let grown = paused.then_do(grow());
    assert_eq!(place(&grown, BOB), Some(1));
    assert_eq!(
        grown.state.next_due(at(31)),
        Some(at(70)),
        "nothing is due while sales pause"
    );
    grown
        .when(RoomCommand::ResumeSales { by, at: at(40) })
        .then([RoomEvent::SalesResumed { resumed_at: at(40) }, offered(2, BOB, 40)]);
}

#[test]
fn what_is_due_is_due_by_the_clock() {
    assert_eq!(line_of_two().state.next_due(at(30)), Some(at(70)));
    let open_later = RoomEvent::RoomRevised(RoomRevised {
        revision: Revision {
            sales_open_at: Some(at(500)),
            ..Revision::default()
        },
        revised_at: at(40),
    });
    let room = line_of_two().and([open_later]).then_do(lapse(70));
    assert_eq!(place(&room, BOB), Some(1), "sales are not open");
    assert_eq!(room.state.next_due(at(71)), Some(at(500)));
    room.when(lapse(500)).then([offered(2, BOB, 500)]);
}

/// Bob holds a seat, asks to wait should he pay too late, and does: by then everything is taken.
fn late_payer(options: Option<Box<HoldOptions>>) -> Given<Room> {
    let one_seat = RoomEvent::RoomScheduled(RoomScheduled {
        capacity: 1,
        ..scheduled()
    });
    let held = RoomEvent::SeatHeld(SeatHeld {
        ticket_id: ticket(2),
        buyer: BOB,
        terms: terms(),
        request: request("hold"),
        held_at: at(10),
        expires_at: at(70),
        options,
    });
    given([
        one_seat,
        held,
        lapsed(2, BOB, 70),
        seat_held(ticket(1), ANN, 71),
        joined(3, CLEO, 72),
    ])
}

fn awaited() -> RoomEvent {
    RoomEvent::SeatAwaited {
        ticket_id: ticket(2),
        buyer: BOB,
        until: at(80 + 600),
        awaited_at: at(80),
    }
}

fn denied(reason: DenialReason, second: i64) -> RoomEvent {
    RoomEvent::SeatDenied {
        ticket_id: ticket(2),
        buyer: BOB,
        reason,
        denied_at: at(second),
    }
}

fn waits() -> Option<Box<HoldOptions>> {
    let options = HoldOptions {
        wait_if_late: true,
        ..HoldOptions::default()
    };
    options.boxed()
}

#[test]
fn who_pays_too_late_and_did_not_ask_to_wait_has_the_money_back() {
    late_payer(None)
        .when(sell(ticket(2), BOB, at(80)))
        .then([denied(DenialReason::SoldOut, 80)]);
}

#[test]
fn who_asked_to_wait_is_in_front_of_the_line_for_ten_minutes() {
    let waiting = || late_payer(waits()).when(sell(ticket(2), BOB, at(80))).then([awaited()]);
    waiting().when(sell(ticket(2), BOB, at(90))).then_nothing();
    assert_eq!(place(&waiting(), CLEO), Some(2));
    waiting()
        .when(lapse(131))
        .then([lapsed(1, ANN, 131), seat_sold_late(ticket(2), BOB, 131)])
        .when(sell(ticket(2), BOB, at(140)))
        .then_nothing();
    let sold = waiting().and([seat_sold(ticket(1), ANN, 100)]);
    assert_eq!(sold.state.next_due(at(100)), Some(at(680)));
    sold.when(lapse(680))
        .then([denied(DenialReason::SoldOut, 680)])
        .when(sell(ticket(2), BOB, at(700)))
        .then_nothing();
}

#[test]
fn a_late_payer_has_one_outcome_whatever_ends_the_wait() {
    let waiting = || late_payer(waits()).then_do(sell(ticket(2), BOB, at(80)));
    let by = Authority::User(HOST);
    let events = waiting().when(RoomCommand::Cancel { by, at: at(90) }).events();
    assert!(events.contains(&denied(DenialReason::RoomOver, 90)));
    waiting()
        .when(free_refunded(ticket(2), at(90)))
        .then([denied(DenialReason::Refunded, 90)]);
}
