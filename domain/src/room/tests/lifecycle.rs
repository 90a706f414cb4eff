//! Opening, ending, cancelling, and the verdict on what was delivered.

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

fn record(session_number: u128, host_heard_ms: u64, intervals: usize) -> RoomCommand {
    let interval = PresenceInterval {
        user: ANN,
        ticket_id: Some(ticket(1)),
        joined_at: at(3_600),
        left_at: at(6_000),
        audible_ms: 0,
    };
    RoomCommand::RecordDelivery(RecordDelivery {
        session_id: session(session_number),
        host_heard_ms,
        listeners_present: 1,
        intervals: vec![interval; intervals],
        at: at(7_010),
    })
}

fn verdict(host_heard_ms: u64, delivered: bool) -> RoomEvent {
    RoomEvent::DeliveryRecorded(DeliveryRecorded {
        session_id: session(1),
        host_heard_ms,
        listeners_present: 1,
        delivered,
        recorded_at: at(7_010),
    })
}

#[test]
fn a_room_is_delivered_if_the_host_was_heard() {
    let state = given(ended()).when(record(1, 1, 0)).then([verdict(1, true)]).state;
    assert!(state.delivery().is_some_and(|delivery| delivery.delivered));
    given(ended()).when(record(1, 0, 0)).then([verdict(0, false)]);
}

#[test]
fn a_verdict_stands() {
    given(ended())
        .and([verdict(1, true)])
        .when(record(1, 0, 3))
        .then_nothing();
}

#[test]
fn evidence_comes_in_parts_before_the_verdict() {
    let events = given(ended()).when(record(1, 9, 1_001)).events();
    let sizes: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let RoomEvent::PresenceRecorded { intervals, .. } = event else {
                return None;
            };
            Some(intervals.len())
        })
        .collect();
    assert_eq!(sizes, [INTERVALS_PER_EVENT_MAX, INTERVALS_PER_EVENT_MAX, 1]);
    assert_eq!(events.last(), Some(&verdict(9, true)));
}

#[test]
fn only_an_ended_room_of_that_session_has_a_verdict() {
    given(live()).when(record(1, 1, 0)).then_err(wrong_state("live"));
    given([room_scheduled()])
        .when(record(1, 1, 0))
        .then_err(wrong_state("scheduled"));
    given(cancelled())
        .when(record(1, 1, 0))
        .then_err(wrong_state("cancelled"));
    given([]).when(record(1, 1, 0)).then_err(RoomError::NotScheduled);
    given(ended())
        .when(record(2, 1, 0))
        .then_err(wrong_state("known by another session"));
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
