//! What of a room stands still while its host is suspended, and through which channels the host sells.

use std::sync::Arc;

use super::prices::{tiered, wish};
use super::*;
use crate::{Reach, Rollout, Shop, ShopEvent};

fn suspended(second: i64) -> RoomEvent {
    RoomEvent::SalesSuspended {
        suspended_at: at(second),
    }
}

fn suspend(second: i64) -> RoomCommand {
    RoomCommand::SuspendSales { at: at(second) }
}

fn reinstate(second: i64) -> RoomCommand {
    RoomCommand::ReinstateSales { at: at(second) }
}

fn reinstated(second: i64) -> RoomEvent {
    RoomEvent::SalesReinstated {
        reinstated_at: at(second),
    }
}

#[test]
fn a_suspension_stops_holds_and_lets_held_seats_be_paid() {
    let room = given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(suspend(20))
        .then([suspended(20)]);
    room.clone()
        .when(hold(ticket(2), BOB, at(21)))
        .then_err(RoomError::SalesPaused);
    room.clone()
        .when(sell(ticket(1), ANN, at(22)))
        .then([seat_sold(ticket(1), ANN, 22)]);
    room.when(reinstate(23))
        .then([reinstated(23)])
        .when(hold(ticket(2), BOB, at(24)))
        .then([seat_held(ticket(2), BOB, 24)]);
}

#[test]
fn a_reinstated_host_finds_the_pause_as_it_was() {
    let by = Authority::User(HOST);
    let paused = RoomEvent::SalesPaused { paused_at: at(10) };
    let room = given([room_scheduled(), paused, suspended(20)]);
    room.clone()
        .when(RoomCommand::ResumeSales { by, at: at(21) })
        .then_err(RoomError::HostSuspended);
    let room = room.when(reinstate(22)).then([reinstated(22)]);
    room.clone()
        .when(hold(ticket(2), BOB, at(23)))
        .then_err(RoomError::SalesPaused);
    room.when(RoomCommand::ResumeSales { by, at: at(24) })
        .then([RoomEvent::SalesResumed { resumed_at: at(24) }])
        .when(hold(ticket(2), BOB, at(25)))
        .then([seat_held(ticket(2), BOB, 25)]);
}

#[test]
fn a_room_that_is_over_or_was_not_suspended_takes_no_note() {
    given([room_scheduled(), room_cancelled()])
        .when(suspend(4_000))
        .then_nothing();
    given([room_scheduled()]).when(reinstate(20)).then_nothing();
    given([]).when(suspend(20)).then_err(RoomError::NotScheduled);
    given([]).when(reinstate(20)).then_err(RoomError::NotScheduled);
}

/// The web is open to everybody, iOS to nobody.
fn without_ios() -> Arc<Rollout> {
    let changed = ShopEvent::RolloutChanged {
        channels: [(Channel::Ios, Reach::default())].into(),
        by: ANN,
        changed_at: at(0),
    };
    let shop = past::<Shop>([changed]).state;
    Arc::new(shop.rollout().clone())
}

fn hold_through(channel: Channel, ticket_id: TicketId) -> RoomCommand {
    RoomCommand::HoldSeat(HoldSeat {
        wish: None,
        rollout: Some(without_ios()),
        ticket_id,
        buyer: ANN,
        channel,
        options: None,
        request: request("hold"),
        at: at(10),
        customer: crate::Customer::NotAsked,
    })
}

#[test]
fn seats_are_held_through_channels_that_are_open_to_the_host() {
    given([room_scheduled()])
        .when(hold_through(Channel::Ios, ticket(1)))
        .then_err(RoomError::ChannelClosed);
    given([room_scheduled()])
        .when(hold_through(Channel::Web, ticket(1)))
        .then([seat_held(ticket(1), ANN, 10)]);
}

#[test]
fn a_repeat_is_answered_as_before_though_the_channel_was_closed_since() {
    given([room_scheduled(), seat_held(ticket(1), ANN, 10)])
        .when(hold_through(Channel::Ios, ticket(1)))
        .then_nothing();
}

#[test]
fn a_free_seat_is_no_sale() {
    let free = RoomEvent::RoomScheduled(RoomScheduled {
        price: usd(0),
        ..scheduled()
    });
    let held = given([free]).when(hold_through(Channel::Ios, ticket(1))).events();
    assert!(matches!(held[..], [RoomEvent::SeatHeld(_)]));
}

#[test]
fn a_priced_tier_of_a_free_room_is_a_sale() {
    let RoomEvent::RoomScheduled(tiered) = tiered(3, 2, vec![]) else {
        unreachable!("tiered() schedules");
    };
    let free = RoomEvent::RoomScheduled(RoomScheduled {
        price: usd(0),
        ..tiered
    });
    let RoomCommand::HoldSeat(hold) = hold_through(Channel::Ios, ticket(1)) else {
        unreachable!("hold_through() holds");
    };
    let wish = wish(Some("supporter"), None);
    given([free])
        .when(RoomCommand::HoldSeat(HoldSeat { wish, ..hold }))
        .then_err(RoomError::ChannelClosed);
}
