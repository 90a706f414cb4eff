//! Recording: by whom, of whom, in which parts, and for how long it is kept.

use super::*;
use crate::RecordingId;

const DAYS: u32 = 30;
const EVE: UserId = user(15);

fn recording(number: u128) -> RecordingId {
    RecordingId::from_uuid(uuid::Uuid::from_u128(number))
}

fn terms(allowed: bool) -> RecordingTerms {
    RecordingTerms {
        allowed,
        for_holders: false,
        retention_days: DAYS,
    }
}

fn room_scheduled_recorded() -> RoomEvent {
    let mut scheduled = scheduled();
    scheduled.sale.recording = Some(terms(true));
    RoomEvent::RoomScheduled(scheduled)
}

fn co_host(user: UserId) -> RoomEvent {
    RoomEvent::CoHostAppointed {
        user,
        by: HOST,
        appointed_at: at(3_000),
    }
}

/// Bob is a co-host, Ann has a ticket.
fn live() -> Given<Room> {
    given([room_scheduled_recorded(), co_host(BOB), room_opened()]).and(bought(1, ANN))
}

fn start(number: u128, by: UserId) -> RoomCommand {
    let (recording_id, at) = (recording(number), at(3_600));
    RoomCommand::StartRecording { recording_id, by, at }
}

fn started(number: u128, by: UserId) -> RoomEvent {
    RoomEvent::RecordingStarted(RecordingStarted {
        recording_id: recording(number),
        session_id: session(1),
        by,
        retention_days: DAYS,
        started_at: at(3_600),
    })
}

fn stop(by: UserId) -> RoomCommand {
    RoomCommand::StopRecording { by, at: at(3_700) }
}

fn stopped(number: u128, by: Option<UserId>, second: i64) -> RoomEvent {
    RoomEvent::RecordingStopped(RecordingStopped {
        recording_id: recording(number),
        by,
        stopped_at: at(second),
    })
}

fn consent(user: UserId) -> RoomCommand {
    RoomCommand::ConsentToRecording { user, at: at(3_600) }
}

fn consented(user: UserId) -> RoomEvent {
    let consented_at = at(3_600);
    RoomEvent::RecordingConsented { user, consented_at }
}

fn began(part: u32) -> PartBegan {
    PartBegan {
        recording_id: recording(1),
        part,
        format: AudioFormat::Wav,
        began_at: at(3_610),
    }
}

fn ended(part: u32) -> PartEnded {
    PartEnded {
        recording_id: recording(1),
        part,
        broke_off: true,
        duration_ms: 10_000,
        file: Some(RecordedFile {
            bytes: 960_044,
            sha256: "0".repeat(64),
        }),
        ended_at: at(3_620),
    }
}

fn delete(by: Deletion, second: i64) -> RoomCommand {
    RoomCommand::DeleteRecording {
        recording_id: recording(1),
        by,
        at: at(second),
    }
}

fn deleted(reason: DeletionReason, second: i64) -> RoomEvent {
    RoomEvent::RecordingDeleted(RecordingDeleted {
        recording_id: recording(1),
        reason,
        deleted_at: at(second),
    })
}

#[test]
fn the_hosts_side_starts_and_stops_where_recording_is_allowed() {
    let all_agree = || live().and([consented(BOB)]);
    all_agree()
        .when(start(1, HOST))
        .then([started(1, HOST)])
        .when(start(2, BOB))
        .then_nothing()
        .when(stop(BOB))
        .then([stopped(1, Some(BOB), 3_700)])
        .when(stop(HOST))
        .then_nothing()
        .when(start(1, HOST))
        .then_nothing()
        .when(start(2, HOST))
        .then([started(2, HOST)]);
    all_agree().when(start(1, ANN)).then_err(RoomError::NotHost);
    given([room_scheduled(), room_opened()])
        .when(start(1, HOST))
        .then_err(RoomError::RecordingNotAllowed);
    given([room_scheduled_recorded()])
        .when(start(1, HOST))
        .then_err(RoomError::NotLive);
}

#[test]
fn a_room_that_ends_is_not_recorded_any_more() {
    let end = RoomCommand::End {
        by: Authority::User(HOST),
        at: at(7_000),
    };
    live()
        .and([started(1, HOST)])
        .when(end)
        .then([room_ended(), stopped(1, None, 7_000)]);
}

/// Nobody comes to speak who was not asked, and nobody is recorded who has not agreed.
#[test]
fn who_is_heard_agreed_to_be_recorded() {
    let ask = |user| RoomCommand::RequestToSpeak { user, at: at(3_600) };
    live().when(ask(ANN)).then_err(RoomError::ConsentMissing);
    live()
        .when(consent(ANN))
        .then([consented(ANN)])
        .when(consent(ANN))
        .then_nothing()
        .when(ask(ANN))
        .then([RoomEvent::SpeakRequested {
            user: ANN,
            requested_at: at(3_600),
        }]);
    let invited = live().and([RoomEvent::SpeakerInvited {
        user: ANN,
        by: HOST,
        invited_at: at(3_600),
    }]);
    let accept = || RoomCommand::AcceptInvitation {
        user: ANN,
        at: at(3_600),
    };
    invited.clone().when(accept()).then_err(RoomError::ConsentMissing);
    invited
        .and([consented(ANN)])
        .when(accept())
        .then([RoomEvent::InvitationAccepted {
            user: ANN,
            accepted_at: at(3_600),
        }]);
    given([room_scheduled(), room_opened()])
        .and(bought(1, ANN))
        .when(consent(ANN))
        .then_err(RoomError::RecordingNotAllowed);
    live().when(consent(EVE)).then_err(RoomError::NotInRoom);
    live().when(consent(HOST)).then_nothing();
}

#[test]
fn a_co_host_agrees_before_or_by_starting() {
    live().when(start(1, HOST)).then_err(RoomError::ConsentMissing);
    live().when(start(1, BOB)).then([consented(BOB), started(1, BOB)]);
    let appoint = |user| RoomCommand::AppointCoHost {
        user,
        by: HOST,
        at: at(3_000),
    };
    let running = live().and([consented(BOB), started(1, HOST)]);
    running.clone().when(appoint(ANN)).then_err(RoomError::ConsentMissing);
    running.and([consented(ANN)]).when(appoint(ANN)).then([co_host(ANN)]);
    live().when(appoint(ANN)).then([co_host(ANN)]);
}

#[test]
fn parts_follow_one_another_and_each_ends_once() {
    let open = live()
        .and([started(1, HOST)])
        .when(RoomCommand::BeginRecordingPart(began(1)))
        .then([RoomEvent::RecordingPartBegan(began(1))]);
    open.clone()
        .when(RoomCommand::BeginRecordingPart(began(2)))
        .then_err(RoomError::WrongState {
            state: "at another part",
        });
    open.clone()
        .when(RoomCommand::EndRecordingPart(ended(2)))
        .then_err(RoomError::WrongState {
            state: "at another part",
        });
    open.when(RoomCommand::BeginRecordingPart(began(1)))
        .then_nothing()
        .when(RoomCommand::EndRecordingPart(ended(1)))
        .then([RoomEvent::RecordingPartEnded(ended(1))])
        .when(RoomCommand::EndRecordingPart(ended(1)))
        .then_nothing()
        .when(RoomCommand::BeginRecordingPart(began(2)))
        .then([RoomEvent::RecordingPartBegan(began(2))]);
    live()
        .when(RoomCommand::BeginRecordingPart(began(1)))
        .then_err(RoomError::NoSuchRecording);
}

/// What was being written when the room ended is noted all the same.
#[test]
fn the_last_part_ends_after_the_room() {
    live()
        .and([
            started(1, HOST),
            RoomEvent::RecordingPartBegan(began(1)),
            room_ended(),
            stopped(1, None, 7_000),
        ])
        .when(RoomCommand::EndRecordingPart(ended(1)))
        .then([RoomEvent::RecordingPartEnded(ended(1))]);
}

#[test]
fn a_recording_is_deleted_when_it_is_due_or_the_host_says_so() {
    const DAY: i64 = 86_400;
    let kept = || live().and([started(1, HOST), stopped(1, None, 7_000), room_ended()]);
    let host = Deletion::By(Authority::User(HOST));
    kept()
        .when(delete(host, 8_000))
        .then([deleted(DeletionReason::ByHost, 8_000)])
        .when(delete(Deletion::Due, 8_000))
        .then_nothing();
    kept()
        .when(delete(Deletion::By(Authority::Admin), 8_000))
        .then([deleted(DeletionReason::ByAdmin, 8_000)]);
    kept()
        .when(delete(Deletion::By(Authority::User(BOB)), 8_000))
        .then_err(RoomError::NotHost);
    let due = 7_000 + i64::from(DAYS) * DAY;
    kept()
        .when(delete(Deletion::Due, due - 1))
        .then_err(RoomError::WrongState {
            state: "to keep this recording",
        });
    kept()
        .when(delete(Deletion::Due, due))
        .then([deleted(DeletionReason::RetentionOver, due)]);
    live()
        .and([started(1, HOST)])
        .when(delete(host, 8_000))
        .then_err(RoomError::WrongState {
            state: "being recorded",
        });
}

#[test]
fn whether_a_room_is_recorded_is_settled_when_it_opens() {
    let revise = |terms| {
        RoomCommand::Revise(Box::new(ReviseRoom {
            by: Authority::User(HOST),
            permit: HostPermit::Sells,
            wish: Revision {
                recording: Some(terms),
                ..Revision::default()
            },
            preset: Preset::open(),
            at: at(10),
        }))
    };
    let revised = |terms| {
        RoomEvent::RoomRevised(RoomRevised {
            revision: Revision {
                recording: Some(terms),
                ..Revision::default()
            },
            revised_at: at(10),
        })
    };
    given([room_scheduled()])
        .when(revise(terms(true)))
        .then([revised(terms(true))])
        .when(revise(terms(true)))
        .then_nothing();
    given([room_scheduled(), room_opened()])
        .when(revise(terms(true)))
        .then_err(RoomError::WrongState { state: "live" });
    let shared = RecordingTerms {
        for_holders: true,
        ..terms(true)
    };
    live().when(revise(shared)).then([revised(shared)]);
    let for_ever = RecordingTerms {
        retention_days: 0,
        ..terms(true)
    };
    given([room_scheduled()])
        .when(revise(for_ever))
        .then_err(RoomError::InvalidField {
            field: "recording.retention_days",
            reason: "must be 1 to 3650".to_owned(),
        });
}
