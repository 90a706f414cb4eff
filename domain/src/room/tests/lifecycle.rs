//! Opening, ending and cancelling.

use super::*;

const ADMIN: Authority = Authority::Admin;

fn open(by: UserId) -> RoomCommand {
    RoomCommand::Open {
        by,
        session_id: session(1),
        at: at(3_500),
    }
}

fn end(by: Authority) -> RoomCommand {
    RoomCommand::End { by, at: at(7_000) }
}

fn cancel(by: Authority) -> RoomCommand {
    RoomCommand::Cancel { by, at: at(3_000) }
}

fn live() -> [RoomEvent; 2] {
    [room_scheduled(), room_opened()]
}

fn ended() -> [RoomEvent; 3] {
    [room_scheduled(), room_opened(), room_ended()]
}

fn cancelled() -> [RoomEvent; 2] {
    [room_scheduled(), room_cancelled()]
}

fn wrong_state(state: &'static str) -> RoomError {
    RoomError::WrongState { state }
}

#[test]
fn the_host_opens_the_room_once() {
    given([room_scheduled()]).when(open(HOST)).then([room_opened()]);
    let later = RoomCommand::Open {
        by: HOST,
        session_id: session(2),
        at: at(3_600),
    };
    let state = given(live()).when(later).then_nothing().state;
    assert_eq!(state.session_id(), Some(session(1)));
}

#[test]
fn only_the_host_opens() {
    given([room_scheduled()]).when(open(ANN)).then_err(RoomError::NotHost);
    given([]).when(open(HOST)).then_err(RoomError::NotScheduled);
}

#[test]
fn a_room_that_is_over_does_not_open_again() {
    given(ended()).when(open(HOST)).then_err(wrong_state("ended"));
    given(cancelled()).when(open(HOST)).then_err(wrong_state("cancelled"));
}

#[test]
fn the_host_or_an_admin_ends_a_live_room() {
    given(live()).when(end(Authority::User(HOST))).then([room_ended()]);
    given(live()).when(end(ADMIN)).then([room_ended()]);
    given(ended()).when(end(ADMIN)).then_nothing();
    given(live())
        .when(end(Authority::User(ANN)))
        .then_err(RoomError::NotHost);
}

#[test]
fn only_a_live_room_ends() {
    given([room_scheduled()])
        .when(end(ADMIN))
        .then_err(wrong_state("scheduled"));
    given(cancelled()).when(end(ADMIN)).then_err(wrong_state("cancelled"));
}

#[test]
fn what_is_held_is_over_with_the_room() {
    given(live())
        .and([seat_held(ticket(1), ANN, 6_990)])
        .and(bought(2, BOB))
        .when(end(ADMIN))
        .then([
            room_ended(),
            seat_released(ticket(1), ANN, ReleaseReason::Lapsed, 7_000),
        ]);
}

#[test]
fn the_host_or_an_admin_cancels_a_scheduled_room() {
    given([room_scheduled()]).when(cancel(ADMIN)).then([room_cancelled()]);
    given(cancelled()).when(cancel(Authority::User(HOST))).then_nothing();
    given([room_scheduled()])
        .when(cancel(Authority::User(ANN)))
        .then_err(RoomError::NotHost);
}

#[test]
fn only_a_scheduled_room_is_cancelled() {
    given(live()).when(cancel(ADMIN)).then_err(wrong_state("live"));
    given(ended()).when(cancel(ADMIN)).then_err(wrong_state("ended"));
}

#[test]
fn cancelling_releases_holds_and_keeps_sold_seats_for_their_refunds() {
    let state = given([room_scheduled(), seat_held(ticket(1), ANN, 2_990)])
        .and(bought(2, BOB))
        .when(cancel(ADMIN))
        .then([
            room_cancelled(),
            seat_released(ticket(1), ANN, ReleaseReason::RoomCancelled, 3_000),
        ])
        .state;
    assert_eq!(state.sold().collect::<Vec<_>>(), [(ticket(2), BOB)]);
    assert_eq!(state.held_count(), 0);
}

#[test]
fn others_can_ask_where_a_room_is_in_its_life() {
    let phases = [
        (vec![], RoomPhase::Unscheduled, false),
        (vec![room_scheduled()], RoomPhase::Scheduled, false),
        (live().to_vec(), RoomPhase::Live, true),
        (ended().to_vec(), RoomPhase::Ended, true),
        (cancelled().to_vec(), RoomPhase::Cancelled, false),
    ];
    for (past, phase, was_opened) in phases {
        let state = given(past).state;
        assert_eq!((state.phase(), state.was_opened()), (phase, was_opened));
        assert_eq!(state.is_host(HOST), phase != RoomPhase::Unscheduled);
        assert_eq!(state.ended_at(), (phase == RoomPhase::Ended).then_some(at(7_000)));
    }
}
