//! The stage: only in a live room, only with a paid seat, by leave of the host's side.

use super::*;

fn live() -> Given<Room> {
    given([room_scheduled()])
        .and(bought(1, ANN))
        .and(bought(2, BOB))
        .and([room_opened()])
}

fn ask(user: UserId) -> RoomCommand {
    RoomCommand::RequestToSpeak { user, at: at(3_600) }
}

fn withdraw(user: UserId) -> RoomCommand {
    RoomCommand::WithdrawRequest { user, at: at(3_600) }
}

fn approve(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::ApproveSpeaker { user, by, at }
}

fn decline(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::DeclineRequest { user, by, at }
}

fn dismiss(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::DismissSpeaker { user, by, at }
}

fn remove(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::RemovePerson { user, by, at }
}

fn asked(user: UserId) -> RoomEvent {
    RoomEvent::SpeakRequested {
        user,
        requested_at: at(3_600),
    }
}

fn approved(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerApproved {
        user,
        by: HOST,
        approved_at: at(3_600),
    }
}

fn removed(user: UserId) -> RoomEvent {
    RoomEvent::PersonRemoved {
        user,
        by: HOST,
        removed_at: at(3_600),
    }
}

#[test]
fn a_listener_asks_to_speak_and_is_let_up_and_sent_back() {
    live()
        .when(ask(ANN))
        .then([asked(ANN)])
        .when(approve(ANN, HOST))
        .then([approved(ANN)])
        .when(ask(ANN))
        .then_nothing()
        .when(dismiss(ANN, HOST))
        .then([RoomEvent::SpeakerDismissed {
            user: ANN,
            by: HOST,
            dismissed_at: at(3_600),
        }])
        .when(dismiss(ANN, HOST))
        .then_nothing();
}

#[test]
fn a_request_is_withdrawn_or_declined() {
    live()
        .then_do(ask(ANN))
        .when(withdraw(ANN))
        .then([RoomEvent::SpeakRequestWithdrawn {
            user: ANN,
            withdrawn_at: at(3_600),
        }])
        .then_do(ask(ANN))
        .when(decline(ANN, HOST))
        .then([RoomEvent::SpeakRequestDeclined {
            user: ANN,
            by: HOST,
            declined_at: at(3_600),
        }])
        .when(decline(ANN, HOST))
        .then_nothing()
        .when(withdraw(ANN))
        .then_nothing();
}

#[test]
fn only_the_host_decides_about_the_stage() {
    for command in [
        approve(ANN, BOB),
        decline(ANN, BOB),
        dismiss(ANN, BOB),
        remove(ANN, BOB),
    ] {
        live().then_do(ask(ANN)).when(command).then_err(RoomError::NotHost);
    }
}

#[test]
fn nobody_is_approved_who_did_not_ask() {
    live().when(approve(ANN, HOST)).then_err(RoomError::NoRequest);
}

#[test]
fn who_has_no_paid_seat_is_not_in_the_room() {
    let commands = [
        ask(CLEO),
        withdraw(CLEO),
        approve(CLEO, HOST),
        decline(CLEO, HOST),
        remove(CLEO, HOST),
    ];
    for command in commands {
        live()
            .and([seat_held(ticket(3), CLEO, 3_550)])
            .when(command)
            .then_err(RoomError::NotInRoom);
    }
}

#[test]
fn the_stage_is_in_a_live_room_only() {
    let commands = || {
        [
            ask(ANN),
            withdraw(ANN),
            approve(ANN, HOST),
            remove(ANN, HOST),
            dismiss(ANN, HOST),
        ]
    };
    for command in commands() {
        given([room_scheduled()])
            .and(bought(1, ANN))
            .when(command)
            .then_err(RoomError::NotLive);
    }
    for command in commands() {
        live().and([room_ended()]).when(command).then_err(RoomError::RoomOver);
    }
}

#[test]
fn the_host_neither_asks_nor_is_removed() {
    live().when(ask(HOST)).then_nothing();
    live().when(remove(HOST, HOST)).then_err(RoomError::OutOfReach);
    live().and(bought(3, HOST)).when(ask(HOST)).then_nothing();
    live()
        .and(bought(3, HOST))
        .when(remove(HOST, HOST))
        .then_err(RoomError::OutOfReach);
}

#[test]
fn a_removed_person_is_out_until_the_end() {
    let out = live()
        .then_do(ask(ANN))
        .then_do(approve(ANN, HOST))
        .when(remove(ANN, HOST))
        .then([removed(ANN)]);
    assert!(out.state.is_removed(ANN));
    assert!(!out.state.is_removed(BOB));
    for command in [ask(ANN), withdraw(ANN), approve(ANN, HOST), dismiss(ANN, HOST)] {
        out.clone().when(command).then_err(RoomError::Removed);
    }
    out.when(remove(ANN, HOST)).then_nothing();
}

#[test]
fn the_stage_has_room_for_ten() {
    let mut scheduled = scheduled();
    scheduled.capacity = 20;
    let mut room = given([RoomEvent::RoomScheduled(scheduled), room_opened()]);
    for number in 1..=11 {
        let user = user(100_u128.saturating_add(number));
        room = room.and(bought(number, user)).and([asked(user)]);
        if number <= 10 {
            room = room.then_do(approve(user, HOST));
        }
    }
    let eleventh = user(111);
    room.clone()
        .when(approve(eleventh, HOST))
        .then_err(RoomError::StageFull { limit: SPEAKERS_MAX });
    room.then_do(dismiss(user(101), HOST))
        .when(approve(eleventh, HOST))
        .then([approved(eleventh)]);
}

#[test]
fn a_speaker_whose_ticket_is_refunded_leaves_the_stage() {
    live()
        .and([asked(ANN), approved(ANN)])
        .when(free_refunded(ticket(1), at(3_700)))
        .then([
            RoomEvent::SpeakerDismissed {
                user: ANN,
                by: ANN,
                dismissed_at: at(3_700),
            },
            seat_released(ticket(1), ANN, ReleaseReason::Refunded, 3_700),
        ]);
    live()
        .and([asked(BOB)])
        .when(free_refunded(ticket(2), at(3_700)))
        .then([
            RoomEvent::SpeakRequestWithdrawn {
                user: BOB,
                withdrawn_at: at(3_700),
            },
            seat_released(ticket(2), BOB, ReleaseReason::Refunded, 3_700),
        ]);
}

fn invite(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::InviteSpeaker { user, by, at }
}

fn accept(user: UserId) -> RoomCommand {
    RoomCommand::AcceptInvitation { user, at: at(3_600) }
}

fn decline_invitation(user: UserId) -> RoomCommand {
    RoomCommand::DeclineInvitation { user, at: at(3_600) }
}

fn invited(user: UserId) -> RoomEvent {
    RoomEvent::SpeakerInvited {
        user,
        by: HOST,
        invited_at: at(3_600),
    }
}

fn accepted(user: UserId) -> RoomEvent {
    RoomEvent::InvitationAccepted {
        user,
        accepted_at: at(3_600),
    }
}

fn not_invited(user: UserId, by: UserId) -> RoomEvent {
    RoomEvent::InvitationDeclined {
        user,
        by,
        declined_at: at(3_600),
    }
}

#[test]
fn an_invited_listener_speaks_once_they_accept() {
    live()
        .when(invite(ANN, HOST))
        .then([invited(ANN)])
        .when(invite(ANN, HOST))
        .then_nothing()
        .when(accept(ANN))
        .then([accepted(ANN)])
        .when(accept(ANN))
        .then_nothing()
        .when(invite(ANN, HOST))
        .then_nothing()
        .when(approve(ANN, HOST))
        .then_nothing();
    live().when(accept(ANN)).then_err(RoomError::NotInvited);
    live().when(invite(ANN, BOB)).then_err(RoomError::NotHost);
    live().when(invite(CLEO, HOST)).then_err(RoomError::NotInRoom);
}

#[test]
fn an_invitation_is_declined_or_taken_back() {
    let invitation = || live().and([invited(ANN)]);
    invitation()
        .when(decline_invitation(ANN))
        .then([not_invited(ANN, ANN)])
        .when(decline_invitation(ANN))
        .then_nothing()
        .when(accept(ANN))
        .then_err(RoomError::NotInvited);
    invitation().when(dismiss(ANN, HOST)).then([not_invited(ANN, HOST)]);
}

/// Whoever comes second finishes what the first one began.
#[test]
fn an_invitation_and_a_request_meet() {
    live().and([invited(ANN)]).when(ask(ANN)).then([accepted(ANN)]);
    live().and([asked(ANN)]).when(invite(ANN, HOST)).then([approved(ANN)]);
}

#[test]
fn a_speaker_steps_down_by_their_own_hand() {
    let step_down = |user| RoomCommand::StepDown { user, at: at(3_700) };
    live()
        .and([asked(ANN), approved(ANN)])
        .when(step_down(ANN))
        .then([RoomEvent::SpeakerDismissed {
            user: ANN,
            by: ANN,
            dismissed_at: at(3_700),
        }])
        .when(step_down(ANN))
        .then_nothing();
    live().when(step_down(HOST)).then_err(RoomError::OutOfReach);
    live().when(step_down(CLEO)).then_nothing();
}

#[test]
fn an_invited_person_whose_ticket_is_refunded_is_not_invited_any_more() {
    live()
        .and([invited(ANN)])
        .when(free_refunded(ticket(1), at(3_600)))
        .then([
            not_invited(ANN, ANN),
            seat_released(ticket(1), ANN, ReleaseReason::Refunded, 3_600),
        ]);
}

#[test]
fn who_asks_when_a_thousand_do_waits_for_one_of_them() {
    let asks = |number: usize| asked(user(1_000_u128.saturating_add(number.try_into().expect("small"))));
    let room = live().and((1..REQUESTS_MAX).map(asks)).and([asked(BOB)]);
    let limit = REQUESTS_MAX;
    room.clone().when(ask(ANN)).then_err(RoomError::RequestsFull { limit });
    room.then_do(withdraw(BOB)).when(ask(ANN)).then([asked(ANN)]);
}
