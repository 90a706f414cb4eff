//! Rooms: never more seats than there are, one outcome for each ticket, whatever order commands come in.

mod commands;
mod seen;

use std::cell::RefCell;

use domain::room::{CO_HOSTS_MAX, HoldSeat, Prices, Quota, RoomPhase, Taken};
use domain::{Channel, Customer, Fingerprint, Room, RoomCommand, RoomError, RoomEvent};
use proptest::prelude::*;

use self::commands::{commands, schedule, ticket, user};
use self::seen::Seen;
use crate::{at, config, run};

fn hold_laws(commands: Vec<RoomCommand>) {
    let seen = RefCell::new(Seen::default());
    let state = run::<Room>(commands, |state, event| {
        let mut seen = seen.borrow_mut();
        seen.take(event);
        let sold = u32::try_from(seen.seats.values().filter(|sold| **sold).count()).expect("few");
        let held = u32::try_from(seen.seats.len()).expect("few") - sold;
        let capacity = state.facts().expect("a room with seats has facts").capacity;
        assert!(held + sold <= capacity, "oversold");
        seen.quotas.hold(&seen.seats, state);
        let is_taken_by_a_passer_by = match event {
            RoomEvent::SeatHeld(held) => held.options.as_ref().is_none_or(|options| !options.offered),
            _ => false,
        };
        if is_taken_by_a_passer_by {
            let waiting = u32::try_from(seen.line.len() + seen.late.len()).expect("few");
            assert!(capacity - held - sold >= waiting, "somebody waits for this seat");
        }
        assert_eq!((state.held_count(), state.sold_count()), (held, sold));
        assert!(state.facts().is_none_or(|facts| facts.co_hosts.len() <= CO_HOSTS_MAX));
        // Between a room's end and that of its recording, which are one append, nobody is heard any more.
        let is_recorded = state.phase() == RoomPhase::Live && state.is_recorded();
        assert!(
            !is_recorded || state.without_consent().is_empty(),
            "nobody is recorded who did not agree"
        );
        let lead = state.lead();
        assert!(
            lead.is_none_or(|lead| state.is_of_host_side(lead)),
            "led by one of the host's side"
        );
    });
    let seen = seen.into_inner();
    assert!(seen.outcomes.values().all(|count| *count == 1));
    let waiting = u32::try_from(seen.line.len() + seen.late.len()).expect("few");
    assert_eq!(state.waiting_count(), waiting);
    let in_line = state.in_line().map_or(0, |in_line| in_line.waiting + in_line.paid);
    assert_eq!(in_line, waiting);
    match state.phase() {
        RoomPhase::Ended | RoomPhase::Cancelled | RoomPhase::Voided => {
            assert_eq!((state.held_count(), waiting), (0, 0));
        }
        RoomPhase::Unscheduled | RoomPhase::Scheduled | RoomPhase::Live => {}
    }
}

/// Who is told that there is nothing left can be shown what there was.
fn refusals_rest_on_what_is_shown(commands: Vec<RoomCommand>) {
    let mut room = Room::default();
    for command in commands {
        let Err(refusal) = crate::handle(&mut room, command) else {
            continue;
        };
        let is_taken = |taken: Taken, spoken_for: u32| taken.held + taken.sold + spoken_for >= taken.quota;
        let codes = room.prices().into_iter().flat_map(Prices::promo_codes);
        let mut codes = codes.filter_map(|(code, _)| room.code_taken(code.code));
        let in_line = room.in_line();
        let is_shown = match refusal {
            RoomError::SoldOut { .. } => {
                let spoken_for = in_line.map_or(0, |in_line| in_line.waiting + in_line.paid);
                is_taken(room.seats_taken().expect("a room"), spoken_for)
            }
            RoomError::QuotaExhausted { quota: Quota::Tier, .. } => {
                room.tiers_taken().iter().any(|(_, taken)| is_taken(*taken, 0))
            }
            RoomError::QuotaExhausted {
                quota: Quota::PromoCode,
                ..
            } => codes.any(|taken| is_taken(taken, 0)),
            RoomError::WaitingListFull { .. } => in_line.is_some_and(|in_line| in_line.waiting >= in_line.limit),
            _ => true,
        };
        assert!(is_shown, "{refusal}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_commands_keeps_the_laws(commands in commands()) {
        hold_laws(commands.clone());
        refusals_rest_on_what_is_shown(commands);
    }
}

/// A room of 10,000 seats: a hold that lapsed first is found first, and the whole capacity sells.
#[test]
fn a_big_room_sells_its_whole_capacity() {
    let seats: u32 = 10_000;
    let RoomCommand::Schedule(mut big) = schedule() else {
        unreachable!("schedule() schedules");
    };
    big.capacity = seats;
    big.preset.capacity_max = seats;
    let mut room = Room::default();
    let mut record = |command| {
        let events = crate::handle(&mut room, command);
        events.expect("accepted").len()
    };
    assert_eq!(record(RoomCommand::Schedule(big)), 1);
    let hold = |number: u32, at| {
        RoomCommand::HoldSeat(HoldSeat {
            wish: None,
            rollout: None,
            ticket_id: ticket(number.into()),
            buyer: user(number.into()),
            channel: Channel::Web,
            options: None,
            request: Fingerprint::of(b"hold"),
            at,
            customer: Customer::NotAsked,
        })
    };
    assert!((0..seats).all(|number| record(hold(number, at(i64::from(number / 1_000)))) == 1));
    // At second 10 the first thousand has lapsed; its seats are offered again, and nobody releases all of them.
    let again: Vec<_> = (seats..seats + 1_000)
        .map(|number| record(hold(number, at(10))))
        .collect();
    assert_eq!((again[0], again.iter().sum::<usize>()), (33, 2_000));
    assert_eq!((room.held_count(), room.next_expiry()), (seats, Some(at(11))));
    let refused = crate::handle(&mut room, hold(seats + 1_000, at(10)));
    assert_eq!(refused, Err(RoomError::SoldOut { capacity: seats }));
}
