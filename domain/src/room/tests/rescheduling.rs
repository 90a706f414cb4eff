//! Another time, and another holder.

use super::*;

fn reschedule(starts: i64, at_second: i64) -> RoomCommand {
    RoomCommand::Reschedule(RescheduleRoom {
        by: Authority::User(HOST),
        starts_at: at(starts),
        planned_minutes: None,
        decline_hours: 1,
        at: at(at_second),
    })
}

fn rescheduled(starts: i64, decline_until: i64, second: i64) -> RoomEvent {
    RoomEvent::RoomRescheduled(RoomRescheduled {
        starts_at: at(starts),
        planned_minutes: 60,
        sales_close_at: at(starts.saturating_add(3_600)),
        decline_until: at(decline_until),
        rescheduled_at: at(second),
    })
}

#[test]
fn sales_go_on_until_the_new_end_and_holders_may_decline_for_an_hour() {
    given([room_scheduled()])
        .when(reschedule(90_000, 100))
        .then([rescheduled(90_000, 3_700, 100)]);
}

#[test]
fn nobody_may_decline_after_the_start() {
    given([room_scheduled()])
        .when(reschedule(1_000, 100))
        .then([rescheduled(1_000, 1_000, 100)]);
}

#[test]
fn only_a_room_that_has_not_opened_has_another_time() {
    let state = "live";
    given([room_scheduled(), room_opened()])
        .when(reschedule(90_000, 3_550))
        .then_err(RoomError::WrongState { state });
    let room = given([room_scheduled()]).state;
    let refused = room.decide(reschedule(90, 100));
    assert!(matches!(
        refused,
        Err(RoomError::InvalidField { field: "starts_at", .. })
    ));
    given([room_scheduled()]).when(reschedule(3_600, 100)).then_nothing();
}

#[test]
fn a_seat_follows_its_ticket_and_leaves_the_stage() {
    let transfer = |from, to| RoomCommand::TransferSeat {
        ticket_id: ticket(1),
        from,
        to,
        at: at(3_600),
    };
    let transferred = RoomEvent::SeatTransferred {
        ticket_id: ticket(1),
        from: ANN,
        to: BOB,
        transferred_at: at(3_600),
    };
    let live = || {
        given([
            room_scheduled(),
            seat_held(ticket(1), ANN, 10),
            seat_sold(ticket(1), ANN, 20),
            room_opened(),
        ])
    };
    live().when(transfer(BOB, CLEO)).then_nothing();
    live()
        .then_do(RoomCommand::RequestToSpeak {
            user: ANN,
            at: at(3_550),
        })
        .when(transfer(ANN, BOB))
        .then([
            RoomEvent::SpeakRequestWithdrawn {
                user: ANN,
                withdrawn_at: at(3_600),
            },
            transferred,
        ])
        .when(free_refunded(ticket(1), at(3_700)))
        .then([seat_released(ticket(1), BOB, ReleaseReason::Refunded, 3_700)]);
}

#[test]
fn who_receives_a_ticket_must_be_allowed_one_more() {
    let free = RoomEvent::RoomScheduled(RoomScheduled {
        sale: SaleOptions {
            transferable: true,
            ..SaleOptions::default()
        },
        ..scheduled()
    });
    let room = given([free, seat_held(ticket(1), ANN, 10)]).state;
    assert_eq!(room.may_receive(BOB), Ok(()));
    assert_eq!(room.may_receive(ANN), Err(RoomError::TicketLimitReached { limit: 1 }));
    let strict = given([room_scheduled()]).state;
    assert_eq!(strict.may_receive(BOB), Err(RoomError::NotTransferable));
}
