//! What a room earns is shared as everybody agreed before the first sale.

use super::*;
use crate::shares::Share;

const DAVE: UserId = user(77);

fn share(user: UserId, points: u16) -> Share {
    Share {
        user,
        basis_points: BasisPoints::try_new(points).expect("a share"),
    }
}

fn halves() -> Vec<Share> {
    vec![share(HOST, 6_000), share(DAVE, 4_000)]
}

fn propose(shares: Vec<Share>) -> RoomCommand {
    RoomCommand::ProposeShares {
        by: HOST,
        shares,
        at: at(1),
    }
}

fn proposed(shares: Vec<Share>) -> RoomEvent {
    RoomEvent::SharesProposed {
        shares,
        proposed_at: at(1),
    }
}

fn agree(user: UserId, points: u16) -> RoomCommand {
    RoomCommand::AgreeToShare {
        user,
        basis_points: BasisPoints::try_new(points).expect("a share"),
        at: at(2),
    }
}

fn agreed() -> RoomEvent {
    RoomEvent::ShareAgreed {
        user: DAVE,
        basis_points: BasisPoints::try_new(4_000).expect("a share"),
        agreed_at: at(2),
    }
}

#[test]
fn nothing_is_sold_before_everybody_agreed() {
    let room = given([room_scheduled()])
        .when(propose(halves()))
        .then([proposed(halves())]);
    room.clone()
        .when(hold(ticket(1), ANN, at(10)))
        .then_err(RoomError::SharesNotAgreed);
    let room = room.when(agree(DAVE, 4_000)).then([agreed()]);
    let mut events = room.when(hold(ticket(1), ANN, at(10))).events();
    let Some(RoomEvent::SeatHeld(held)) = events.pop() else {
        panic!("a seat is held");
    };
    assert_eq!(held.terms.rules.shares, halves(), "the sale keeps what was agreed");
}

#[test]
fn free_seats_are_shared_with_nobody() {
    let free = RoomScheduled {
        price: usd(0),
        ..scheduled()
    };
    let mut events = given([RoomEvent::RoomScheduled(free), proposed(halves())])
        .when(hold(ticket(1), ANN, at(10)))
        .events();
    let Some(RoomEvent::SeatHeld(held)) = events.pop() else {
        panic!("a seat is held");
    };
    assert_eq!(held.terms.rules.shares, []);
}

#[test]
fn another_proposal_asks_everybody_anew() {
    let other = vec![share(HOST, 9_000), share(DAVE, 1_000)];
    let room = given([room_scheduled(), proposed(halves()), agreed()])
        .when(propose(other.clone()))
        .then([proposed(other)]);
    room.clone()
        .when(agree(DAVE, 4_000))
        .then_err(RoomError::ShareDiffers { basis_points: 1_000 });
    room.clone().when(agree(ANN, 1_000)).then_err(RoomError::NotSharing);
    let alone = room.when(propose(vec![])).then([proposed(vec![])]);
    assert!(alone.state.sharing().is_some_and(Sharing::is_agreed));
}

#[test]
fn with_the_first_sale_the_shares_are_fixed() {
    let room = given([room_scheduled(), proposed(halves()), agreed()])
        .then_do(hold(ticket(1), ANN, at(10)))
        .then_do(sell(ticket(1), ANN, at(11)));
    room.clone()
        .when(propose(vec![]))
        .then_err(RoomError::FrozenAfterFirstSale { field: "shares" });
    room.when(propose(halves())).then_nothing();
}

#[test]
fn shares_add_up_and_name_the_host() {
    let bad = [
        vec![share(HOST, 10_000)],
        vec![share(HOST, 5_000), share(DAVE, 4_999)],
        vec![share(HOST, 10_000), share(DAVE, 0)],
        vec![share(ANN, 5_000), share(DAVE, 5_000)],
        vec![share(HOST, 5_000), share(HOST, 5_000)],
        vec![
            share(HOST, 4_000),
            share(DAVE, 2_000),
            share(ANN, 2_000),
            share(BOB, 2_000),
        ],
    ];
    for shares in bad {
        let outcome = given([room_scheduled()]).state.decide(propose(shares.clone()));
        let is_it = matches!(outcome, Err(RoomError::InvalidField { field: "shares", .. }));
        assert!(is_it, "{shares:?}: {outcome:?}");
    }
    let foreign = RoomCommand::ProposeShares {
        by: ANN,
        shares: halves(),
        at: at(1),
    };
    given([room_scheduled()]).when(foreign).then_err(RoomError::NotHost);
}
