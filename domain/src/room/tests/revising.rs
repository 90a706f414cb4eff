//! Changing a room that sells already: what is sold keeps its terms, what buyers rely on is frozen.

use super::*;
use crate::testing::EUR;
use crate::{Fingerprint, Money};

fn revise(wish: Revision) -> RoomCommand {
    revise_by(Authority::User(HOST), wish)
}

fn revise_by(by: Authority, wish: Revision) -> RoomCommand {
    RoomCommand::Revise(Box::new(ReviseRoom {
        by,
        wish,
        permit: HostPermit::Sells,
        preset: Preset::open(),
        at: at(20),
    }))
}

fn revised(revision: Revision) -> RoomEvent {
    RoomEvent::RoomRevised(RoomRevised {
        revision,
        revised_at: at(20),
    })
}

fn price(amount: i64) -> Revision {
    Revision {
        price: Some(usd(amount)),
        ..Revision::default()
    }
}

fn capacity(capacity: u32) -> Revision {
    Revision {
        capacity: Some(capacity),
        ..Revision::default()
    }
}

#[test]
fn what_is_so_already_is_not_recorded() {
    let same = Revision {
        title: Some(" Night radio ".to_owned()),
        description: Some("Live.\nWith guests.".to_owned()),
        language: Some("en".to_owned()),
        capacity: Some(CAPACITY),
        ..price(1_000)
    };
    given([room_scheduled()]).when(revise(same.clone())).then_nothing();
    let title = Some("Late radio".to_owned());
    let wish = Revision { title, ..same };
    let news = Revision {
        title: wish.title.clone(),
        ..Revision::default()
    };
    given([room_scheduled()]).when(revise(wish)).then([revised(news)]);
}

#[test]
fn a_held_seat_keeps_its_price_and_the_next_has_the_new_one() {
    let dearer = given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(revise(price(1_500)))
        .then([revised(price(1_500))]);
    let events = dearer.when(hold(ticket(2), BOB, at(30))).events();
    let [RoomEvent::SeatHeld(held)] = &events[..] else {
        panic!("expected a hold, got {events:?}");
    };
    assert_eq!(held.terms.total, usd(1_500));
}

#[test]
fn seats_never_become_fewer_than_are_taken() {
    let two_taken = || {
        given([
            room_scheduled(),
            seat_held(ticket(1), ANN, 10),
            seat_sold(ticket(1), ANN, 11),
            seat_held(ticket(2), BOB, 12),
        ])
    };
    two_taken()
        .when(revise(capacity(1)))
        .then_err(RoomError::CapacityBelowSold { taken: 2 });
    two_taken()
        .when(revise(capacity(2)))
        .then([revised(capacity(2))])
        .when(hold(ticket(3), CLEO, at(30)))
        .then_err(RoomError::SoldOut { capacity: 2 });
}

#[test]
fn what_buyers_rely_on_is_frozen_with_the_first_sale() {
    let policy = Revision {
        refund_policy: Some(RefundPolicy::None),
        ..Revision::default()
    };
    let no_show = Revision {
        no_show_minutes: Some(30),
        ..Revision::default()
    };
    let held = [room_scheduled(), seat_held(ticket(1), ANN, 10)];
    given(held.clone())
        .when(revise(policy.clone()))
        .then([revised(policy.clone())]);
    let refunded = [
        seat_sold(ticket(1), ANN, 11),
        seat_released(ticket(1), ANN, ReleaseReason::Refunded, 12),
    ];
    for (wish, field) in [(policy, "refund_policy"), (no_show, "no_show_minutes")] {
        given(held.clone())
            .and(refunded.clone())
            .when(revise(wish))
            .then_err(RoomError::FrozenAfterFirstSale { field });
    }
}

#[test]
fn each_field_is_judged_as_at_scheduling() {
    let refused = |wish| match given([room_scheduled()]).state.decide(revise(wish)) {
        Err(RoomError::InvalidField { field, .. }) => field,
        other => panic!("expected an invalid field, got {other:?}"),
    };
    let none = Revision::default;
    assert_eq!(
        refused(Revision {
            title: Some(" ".to_owned()),
            ..none()
        }),
        "title"
    );
    assert_eq!(
        refused(Revision {
            language: Some("EN".to_owned()),
            ..none()
        }),
        "language"
    );
    assert_eq!(refused(capacity(0)), "capacity");
    assert_eq!(
        refused(Revision {
            hold_seconds: Some(0),
            ..none()
        }),
        "hold_seconds"
    );
    assert_eq!(
        refused(Revision {
            sales_close_at: Some(at(SALES_OPEN)),
            ..none()
        }),
        "sales_close_at"
    );
    assert_eq!(refused(price(100_000)), "price.amount_minor");
    let euros = Revision {
        price: Some(Money::new(1_000, EUR)),
        ..none()
    };
    assert_eq!(refused(euros), "price.currency");
}

#[test]
fn only_the_host_or_an_admin_changes_a_room_and_not_when_it_is_over() {
    given([room_scheduled()])
        .when(revise_by(Authority::User(ANN), capacity(9)))
        .then_err(RoomError::NotHost);
    given([room_scheduled()])
        .when(revise_by(Authority::Admin, capacity(9)))
        .then([revised(capacity(9))]);
    given([room_scheduled(), room_cancelled()])
        .when(revise(capacity(9)))
        .then_err(RoomError::RoomOver);
    given([]).when(revise(capacity(9))).then_err(RoomError::NotScheduled);
}

#[test]
fn a_free_room_becomes_priced_by_an_approved_host_only() {
    let free = RoomEvent::RoomScheduled(RoomScheduled {
        price: usd(0),
        request: Fingerprint::of(b"free"),
        ..scheduled()
    });
    let command = RoomCommand::Revise(Box::new(ReviseRoom {
        by: Authority::User(HOST),
        wish: price(500),
        permit: HostPermit::HostsFree(NoSale::NotApproved),
        preset: Preset::open(),
        at: at(20),
    }));
    given([free]).when(command).then_err(RoomError::HostNotApproved);
}

#[test]
fn a_pause_stops_holds_and_lets_held_seats_be_paid() {
    let by = Authority::User(HOST);
    let paused = given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(RoomCommand::PauseSales { by, at: at(20) })
        .then([RoomEvent::SalesPaused { paused_at: at(20) }]);
    paused
        .clone()
        .when(hold(ticket(2), BOB, at(21)))
        .then_err(RoomError::SalesPaused);
    paused
        .clone()
        .when(sell(ticket(1), ANN, at(22)))
        .then([seat_sold(ticket(1), ANN, 22)]);
    paused
        .when(RoomCommand::ResumeSales { by, at: at(23) })
        .then([RoomEvent::SalesResumed { resumed_at: at(23) }])
        .when(hold(ticket(2), BOB, at(24)))
        .then([seat_held(ticket(2), BOB, 24)]);
}
