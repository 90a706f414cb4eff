//! The host's side: two co-hosts, and one who leads while the host is away.

use super::*;

const EVE: UserId = user(15);

fn appoint(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_000);
    RoomCommand::AppointCoHost { user, by, at }
}

fn appointed(user: UserId) -> RoomEvent {
    RoomEvent::CoHostAppointed {
        user,
        by: HOST,
        appointed_at: at(3_000),
    }
}

fn gone(user: UserId, by: UserId) -> RoomEvent {
    RoomEvent::CoHostDismissed {
        user,
        by,
        dismissed_at: at(3_600),
    }
}

fn hand_over(to: UserId) -> RoomCommand {
    RoomCommand::HandOver { to, at: at(3_600) }
}

fn handed_over(from: UserId, to: UserId) -> RoomEvent {
    let handed_over_at = at(3_600);
    RoomEvent::HostHandedOver {
        from,
        to,
        handed_over_at,
    }
}

fn dismiss(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::DismissSpeaker { user, by, at }
}

/// Bob and Cleo are co-hosts; neither has a ticket.
fn live() -> Given<Room> {
    given([room_scheduled(), appointed(BOB), appointed(CLEO), room_opened()]).and(bought(1, ANN))
}

#[test]
fn the_host_appoints_two_co_hosts_with_or_without_a_ticket() {
    given([room_scheduled()])
        .when(appoint(ANN, HOST))
        .then([appointed(ANN)])
        .when(appoint(ANN, HOST))
        .then_nothing()
        .when(appoint(BOB, HOST))
        .then([appointed(BOB)])
        .when(appoint(CLEO, HOST))
        .then_err(RoomError::CoHostsFull { limit: CO_HOSTS_MAX });
    given([room_scheduled()])
        .when(appoint(HOST, HOST))
        .then_err(RoomError::OutOfReach);
    live().when(appoint(ANN, BOB)).then_err(RoomError::NotHost);
    live()
        .and([room_ended()])
        .when(appoint(ANN, HOST))
        .then_err(RoomError::RoomOver);
}

#[test]
fn a_co_host_is_inside_without_a_ticket_until_they_go() {
    let room = live();
    assert!(room.state.may_be_inside(BOB) && room.state.is_of_host_side(BOB));
    let room = room.when(dismiss(BOB, HOST)).then([gone(BOB, HOST)]);
    assert!(!room.state.may_be_inside(BOB) && !room.state.is_of_host_side(BOB));
    live().when(dismiss(BOB, CLEO)).then_err(RoomError::OutOfReach);
    let resign = |user, by| RoomCommand::DismissCoHost {
        user,
        by,
        at: at(3_600),
    };
    let appointed = || given([room_scheduled(), appointed(BOB), appointed(CLEO)]);
    appointed().when(resign(BOB, BOB)).then([gone(BOB, BOB)]);
    appointed().when(resign(BOB, HOST)).then([gone(BOB, HOST)]);
    appointed().when(resign(BOB, CLEO)).then_err(RoomError::NotHost);
    live()
        .when(RoomCommand::StepDown {
            user: BOB,
            at: at(3_600),
        })
        .then([gone(BOB, BOB)]);
}

/// They need no place among the speakers any more, nor an answer to what they asked.
#[test]
fn who_becomes_a_co_host_is_no_speaker() {
    let asked = |user| RoomEvent::SpeakRequested {
        user,
        requested_at: at(3_600),
    };
    let room = given([room_scheduled(), room_opened()]).and(bought(1, ANN)).and([
        asked(ANN),
        RoomEvent::SpeakerApproved {
            user: ANN,
            by: HOST,
            approved_at: at(3_600),
        },
        appointed(ANN),
    ]);
    assert_eq!(room.state.role_of(ANN), Role::CoHost);
    let room = room.and([gone(ANN, HOST)]);
    assert_eq!(room.state.role_of(ANN), Role::Listener);
}

#[test]
fn a_co_host_leads_until_the_host_is_back() {
    let room = live()
        .when(hand_over(BOB))
        .then([handed_over(HOST, BOB)])
        .when(hand_over(BOB))
        .then_nothing();
    assert_eq!((room.state.lead(), room.state.role_of(BOB)), (Some(BOB), Role::Host));
    // Who leads has the host's word in the room, over the other co-host, too.
    let room = room.when(dismiss(CLEO, BOB)).then([gone(CLEO, BOB)]);
    let room = room.when(hand_over(HOST)).then([handed_over(BOB, HOST)]);
    assert_eq!((room.state.lead(), room.state.role_of(BOB)), (Some(HOST), Role::CoHost));
    room.when(dismiss(ANN, BOB)).then_nothing();
}

#[test]
fn nobody_leads_but_the_hosts_side() {
    live().when(hand_over(ANN)).then_err(RoomError::NotOnStage);
    live().when(hand_over(EVE)).then_err(RoomError::NotOnStage);
    live().when(hand_over(HOST)).then_nothing();
    given([room_scheduled(), appointed(BOB)])
        .when(hand_over(BOB))
        .then_err(RoomError::NotLive);
}

#[test]
fn who_led_and_goes_leads_no_more() {
    let led = live().and([handed_over(HOST, BOB)]);
    let room = led.clone().and([gone(BOB, BOB)]);
    assert_eq!(room.state.lead(), Some(HOST));
    let removed = RoomEvent::PersonRemoved {
        user: BOB,
        by: HOST,
        removed_at: at(3_600),
    };
    let room = led.and([removed]);
    assert_eq!((room.state.lead(), room.state.is_co_host(BOB)), (Some(HOST), false));
}

#[test]
fn who_leads_ends_the_room_and_no_other_co_host_does() {
    let end = |user| RoomCommand::End {
        by: Authority::User(user),
        at: at(7_000),
    };
    let led = live().and([handed_over(HOST, BOB)]);
    led.clone().when(end(CLEO)).then_err(RoomError::NotHost);
    led.when(end(BOB)).then([room_ended()]);
}
