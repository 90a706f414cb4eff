//! Silence and bans.

use super::*;

fn co_host(user: UserId) -> RoomEvent {
    RoomEvent::CoHostAppointed {
        user,
        by: HOST,
        appointed_at: at(3_000),
    }
}

fn speaks(user: UserId) -> [RoomEvent; 2] {
    [
        RoomEvent::SpeakRequested {
            user,
            requested_at: at(3_550),
        },
        RoomEvent::SpeakerApproved {
            user,
            by: HOST,
            approved_at: at(3_560),
        },
    ]
}

/// Ann speaks, Cleo is a co-host, Bob listens.
fn live() -> Given<Room> {
    given([room_scheduled(), co_host(CLEO)])
        .and(bought(1, ANN))
        .and(bought(2, BOB))
        .and([room_opened()])
        .and(speaks(ANN))
}

fn mute(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::MuteSpeaker { user, by, at }
}

fn unmute(user: UserId) -> RoomCommand {
    RoomCommand::Unmute { user, at: at(3_700) }
}

fn muted(user: UserId, by: UserId) -> RoomEvent {
    RoomEvent::SpeakerMuted {
        user,
        by,
        muted_at: at(3_600),
    }
}

fn ban(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::BanPerson { user, by, at }
}

fn unban(user: UserId, by: UserId) -> RoomCommand {
    let at = at(3_600);
    RoomCommand::UnbanPerson { user, by, at }
}

fn follow(banned: &[UserId]) -> RoomCommand {
    RoomCommand::FollowBans {
        banned: banned.to_vec(),
        at: at(3_600),
    }
}

fn banned(user: UserId, everywhere: bool) -> RoomEvent {
    RoomEvent::PersonBanned {
        user,
        by: HOST,
        everywhere,
        banned_at: at(3_600),
    }
}

fn unbanned(user: UserId, everywhere: bool) -> RoomEvent {
    RoomEvent::PersonUnbanned {
        user,
        by: HOST,
        everywhere,
        unbanned_at: at(3_600),
    }
}

#[test]
fn a_muted_speaker_is_silent_until_their_own_word() {
    live()
        .when(mute(ANN, CLEO))
        .then([muted(ANN, CLEO)])
        .when(mute(ANN, HOST))
        .then_nothing()
        .when(unmute(ANN))
        .then([RoomEvent::SpeakerUnmuted {
            user: ANN,
            unmuted_at: at(3_700),
        }])
        .when(unmute(ANN))
        .then_nothing();
    live().when(mute(BOB, HOST)).then_err(RoomError::NotOnStage);
    live().when(mute(DAN, HOST)).then_err(RoomError::NotInRoom);
    live().when(mute(HOST, CLEO)).then_err(RoomError::OutOfReach);
    live().when(mute(ANN, BOB)).then_err(RoomError::NotHost);
}

/// Whoever comes back to the stage comes back with a voice.
#[test]
fn silence_ends_with_being_on_stage() {
    let room = live().and([
        muted(ANN, HOST),
        RoomEvent::SpeakerDismissed {
            user: ANN,
            by: HOST,
            dismissed_at: at(3_600),
        },
    ]);
    room.and(speaks(ANN)).when(mute(ANN, HOST)).then([muted(ANN, HOST)]);
}

#[test]
fn all_are_muted_who_are_below() {
    let all = |by| RoomCommand::MuteAll { by, at: at(3_600) };
    live()
        .when(all(HOST))
        .then([muted(CLEO, HOST), muted(ANN, HOST)])
        .when(all(HOST))
        .then_nothing();
    live().when(all(CLEO)).then([muted(ANN, CLEO)]);
    live().when(all(ANN)).then_err(RoomError::NotHost);
}

#[test]
fn a_banned_person_is_out_and_may_not_buy_until_it_is_over() {
    let room = live().when(ban(ANN, HOST)).then([banned(ANN, false)]);
    assert!(!room.state.may_be_inside(ANN));
    assert_eq!(room.state.role_of(ANN), Role::Listener);
    let room = room.when(ban(ANN, CLEO)).then_nothing();
    room.clone().when(unmute(ANN)).then_err(RoomError::Banned);
    let room = room.when(unban(ANN, HOST)).then([unbanned(ANN, false)]);
    assert!(room.state.may_be_inside(ANN));
    room.when(unban(ANN, HOST)).then_nothing();
}

#[test]
fn who_is_banned_gets_no_seat() {
    let room = given([room_scheduled(), banned(ANN, false), banned(BOB, true)]);
    for user in [ANN, BOB] {
        room.clone()
            .when(hold(ticket(7), user, at(10)))
            .then_err(RoomError::Banned);
    }
    let held = given([room_scheduled(), seat_held(ticket(1), ANN, 0), banned(ANN, true)]);
    held.when(sell(ticket(1), ANN, at(10))).then([
        seat_released(ticket(1), ANN, ReleaseReason::Removed, 10),
        RoomEvent::SeatDenied {
            ticket_id: ticket(1),
            buyer: ANN,
            reason: DenialReason::Removed,
            denied_at: at(10),
        },
    ]);
}

#[test]
fn a_ban_needs_no_ticket_and_no_open_room() {
    given([room_scheduled()])
        .when(ban(DAN, HOST))
        .then([banned(DAN, false)]);
    live().when(ban(DAN, BOB)).then_err(RoomError::NotHost);
    live().when(ban(CLEO, CLEO)).then_err(RoomError::OutOfReach);
    live()
        .and([room_ended()])
        .when(ban(DAN, HOST))
        .then_err(RoomError::RoomOver);
}

#[test]
fn a_banned_co_host_is_one_no_longer() {
    let room = live().when(ban(CLEO, HOST)).then([banned(CLEO, false)]);
    assert!(!room.state.is_co_host(CLEO));
    room.when(RoomCommand::AppointCoHost {
        user: CLEO,
        by: HOST,
        at: at(3_600),
    })
    .then_err(RoomError::Banned);
}

/// A removal is over, too: who may come again may come at once.
#[test]
fn who_was_removed_is_let_back() {
    let removed = RoomEvent::PersonRemoved {
        user: ANN,
        by: HOST,
        removed_at: at(3_600),
    };
    let room = live()
        .and([removed])
        .when(unban(ANN, HOST))
        .then([unbanned(ANN, false)]);
    assert!(room.state.may_be_inside(ANN));
}

#[test]
fn the_room_follows_the_bans_of_its_host() {
    let room = given([room_scheduled()])
        .when(follow(&[BOB, ANN, HOST]))
        .then([banned(ANN, true), banned(BOB, true)])
        .when(follow(&[BOB, ANN]))
        .then_nothing()
        .when(follow(&[BOB, CLEO]))
        .then([unbanned(ANN, true), banned(CLEO, true)]);
    // What was decided for this room alone stays.
    let room = room
        .and([banned(BOB, false)])
        .when(follow(&[]))
        .then([unbanned(BOB, true), unbanned(CLEO, true)]);
    assert!(!room.state.is_welcome(BOB) && room.state.is_welcome(CLEO));
    room.and([room_cancelled()]).when(follow(&[ANN])).then_nothing();
}

#[test]
fn a_room_bans_a_thousand() {
    let number = |number: usize| user(1_000_u128.saturating_add(number.try_into().expect("small")));
    given([room_scheduled()])
        .and((0..BANS_MAX).map(|person| banned(number(person), false)))
        .when(ban(ANN, HOST))
        .then_err(RoomError::BansFull { limit: BANS_MAX });
}
