//! The doors: the lobby, and who takes over whose connection.

use super::*;

const LOBBY_FROM: i64 = 3_600 - 7_200;

fn open_lobby(by: UserId, second: i64) -> RoomCommand {
    RoomCommand::OpenLobby {
        by,
        session_id: session(7),
        at: at(second),
    }
}

fn lobby_opened() -> RoomEvent {
    RoomEvent::LobbyOpened {
        session_id: session(7),
        by: BOB,
        opened_at: at(LOBBY_FROM),
    }
}

fn open() -> RoomCommand {
    RoomCommand::Open {
        by: HOST,
        session_id: session(1),
        at: at(3_500),
    }
}

fn scheduled_with_co_host() -> Given<Room> {
    let appointed = RoomEvent::CoHostAppointed {
        user: BOB,
        by: HOST,
        appointed_at: at(-7_000),
    };
    given([room_scheduled(), appointed])
}

#[test]
fn the_hosts_side_opens_the_lobby_and_the_room_opens_where_they_are() {
    let lobby = scheduled_with_co_host()
        .when(open_lobby(BOB, LOBBY_FROM))
        .then([lobby_opened()]);
    assert_eq!(lobby.state.lobby(), Some(session(7)));
    assert_eq!(lobby.state.session_id(), None);
    let other = RoomCommand::OpenLobby {
        by: HOST,
        session_id: session(8),
        at: at(0),
    };
    let opened = RoomEvent::RoomOpened {
        session_id: session(7),
        opened_at: at(3_500),
    };
    let live = lobby.when(other).then_nothing().when(open()).then([opened]);
    assert_eq!((live.state.lobby(), live.state.session_id()), (None, Some(session(7))));
    live.when(open_lobby(HOST, 3_600)).then_nothing();
}

#[test]
fn the_lobby_is_for_the_hosts_side_and_for_the_last_hours() {
    let refused = |by, second| scheduled_with_co_host().when(open_lobby(by, second));
    refused(ANN, 0).then_err(RoomError::NotHost);
    let opens_at = at(LOBBY_FROM);
    refused(HOST, LOBBY_FROM - 1).then_err(RoomError::LobbyNotYet { opens_at });
    given([]).when(open_lobby(HOST, 0)).then_err(RoomError::NotScheduled);
    let over = given([room_scheduled(), room_cancelled()]);
    over.when(open_lobby(HOST, 3_600)).then_err(RoomError::RoomOver);
}

const ANNS: Entrant = Entrant {
    user: ANN,
    ticket_id: Some(ticket(1)),
};
const HOSTS: Entrant = Entrant {
    user: HOST,
    ticket_id: None,
};

fn take_over(entrant: Entrant, from: u32) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::TakeOver { entrant, from, at }
}

fn taken_over(entrant: Entrant, entry: u32) -> RoomEvent {
    RoomEvent::EntryTakenOver {
        user: entrant.user,
        ticket_id: entrant.ticket_id,
        entry,
        taken_over_at: at(3_600),
    }
}

fn live() -> Given<Room> {
    given([room_scheduled(), room_opened()]).and(bought(1, ANN))
}

#[test]
fn each_take_over_has_a_number_and_whoever_is_second_takes_over_nothing() {
    let room = live();
    assert_eq!(room.state.entry_of(ANNS), 1);
    let room = room
        .when(take_over(ANNS, 1))
        .then([taken_over(ANNS, 2)])
        .when(take_over(ANNS, 1))
        .then_nothing()
        .when(take_over(ANNS, 2))
        .then([taken_over(ANNS, 3)])
        .when(take_over(HOSTS, 1))
        .then([taken_over(HOSTS, 2)]);
    assert_eq!((room.state.entry_of(ANNS), room.state.entry_of(HOSTS)), (3, 2));
}

#[test]
fn nobody_takes_over_who_may_not_be_inside_or_has_done_so_too_often() {
    let stranger = Entrant {
        user: CLEO,
        ticket_id: Some(ticket(1)),
    };
    live().when(take_over(stranger, 1)).then_err(RoomError::NotInRoom);
    live()
        .and([room_ended()])
        .when(take_over(ANNS, 1))
        .then_err(RoomError::RoomOver);
    let often = live().and([taken_over(ANNS, TAKE_OVERS_MAX + 1)]);
    often
        .when(take_over(ANNS, TAKE_OVERS_MAX + 1))
        .then_err(RoomError::TakeOversFull { limit: TAKE_OVERS_MAX });
    given([room_scheduled()])
        .when(take_over(HOSTS, 1))
        .then_err(RoomError::NotLive);
    given([room_scheduled(), lobby_opened()])
        .when(take_over(HOSTS, 1))
        .then_nothing();
}
