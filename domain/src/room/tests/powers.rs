//! The table of powers is what rooms go by, and what is documented.

use std::fs;
use std::path::Path;

use super::*;

const LEAD: UserId = BOB;
const CO_HOST: UserId = CLEO;
const SPEAKER: UserId = ANN;
const LISTENER: UserId = DAN;

/// Somebody of each role; Bob leads while the host is away.
fn full() -> Given<Room> {
    let mut scheduled = scheduled();
    scheduled.capacity = 20;
    let co_host = |user| RoomEvent::CoHostAppointed {
        user,
        by: HOST,
        appointed_at: at(3_000),
    };
    given([RoomEvent::RoomScheduled(scheduled), co_host(LEAD), co_host(CO_HOST)])
        .and(bought(1, SPEAKER))
        .and(bought(4, LISTENER))
        .and([
            room_opened(),
            RoomEvent::SpeakRequested {
                user: SPEAKER,
                requested_at: at(3_550),
            },
            RoomEvent::SpeakerApproved {
                user: SPEAKER,
                by: HOST,
                approved_at: at(3_560),
            },
            RoomEvent::HostHandedOver {
                from: HOST,
                to: LEAD,
                handed_over_at: at(3_570),
            },
        ])
}

/// The command in which `by` uses the power over `on`, where that is a question of power.
fn over(power: Power, by: UserId, on: UserId) -> Option<RoomCommand> {
    let at = at(3_600);
    Some(match power {
        Power::AppointCoHosts => RoomCommand::AppointCoHost { user: on, by, at },
        Power::InviteSpeakers => RoomCommand::InviteSpeaker { user: on, by, at },
        Power::AnswerRequests => RoomCommand::DeclineRequest { user: on, by, at },
        Power::MoveToAudience => RoomCommand::DismissSpeaker { user: on, by, at },
        Power::Mute => RoomCommand::MuteSpeaker { user: on, by, at },
        Power::Remove => RoomCommand::RemovePerson { user: on, by, at },
        Power::Ban => RoomCommand::BanPerson { user: on, by, at },
        Power::MuteAll => RoomCommand::MuteAll { by, at },
        Power::End => RoomCommand::End {
            by: Authority::User(by),
            at,
        },
        Power::Record => RoomCommand::StopRecording { by, at },
        Power::Speak | Power::Unmute | Power::StepDown | Power::AskToSpeak | Power::AnswerInvitation | Power::React => {
            return None;
        }
    })
}

#[test]
fn everybody_has_the_role_they_have() {
    let room = full().state;
    let people = [HOST, LEAD, CO_HOST, SPEAKER, LISTENER];
    assert_eq!(
        people.map(|user| room.role_of(user)),
        [Role::Host, Role::Host, Role::CoHost, Role::Speaker, Role::Listener]
    );
}

/// Every power, used by everybody over everybody.
#[test]
fn rooms_go_by_the_table() {
    let people = [HOST, LEAD, CO_HOST, SPEAKER, LISTENER];
    let room = full().state;
    for (power, _) in POWERS {
        for (by, on) in people.into_iter().flat_map(|by| people.map(|on| (by, on))) {
            let Some(command) = over(power, by, on) else {
                continue;
            };
            // Whoever moves themself to the audience steps down.
            if power == Power::MoveToAudience && by == on {
                continue;
            }
            let refusal = room.decide(command).err();
            let (rank, other) = (room.role_of(by), room.role_of(on));
            let case = format!("{power:?}: {rank:?} over {other:?}: {refusal:?}");
            let is_within = match reach(power, rank) {
                Reach::Nobody => {
                    assert_eq!(refusal, Some(RoomError::NotHost), "{case}");
                    continue;
                }
                Reach::Oneself => by == on,
                Reach::Below => other < rank || (by == HOST && on != HOST) || is_harmless(power, by, on, other),
                Reach::Room => true,
            };
            if is_within {
                assert!(!is_about_power(refusal.as_ref()), "{case}");
            } else {
                assert_eq!(refusal, Some(RoomError::OutOfReach), "{case}");
            }
        }
    }
}

fn is_about_power(refusal: Option<&RoomError>) -> bool {
    matches!(refusal, Some(RoomError::NotHost | RoomError::OutOfReach))
}

/// What would change nothing is a repeat, whoever it is about.
fn is_harmless(power: Power, by: UserId, on: UserId, other: Role) -> bool {
    match power {
        Power::InviteSpeakers | Power::AnswerRequests => other != Role::Listener,
        Power::MuteAll => true,
        Power::MoveToAudience => on == HOST && by != HOST,
        Power::AppointCoHosts => on == LEAD || on == CO_HOST,
        Power::Speak
        | Power::Mute
        | Power::Remove
        | Power::Ban
        | Power::End
        | Power::Unmute
        | Power::StepDown
        | Power::AskToSpeak
        | Power::AnswerInvitation
        | Power::React
        | Power::Record => false,
    }
}

#[test]
fn the_table_is_documented() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/LIVE.md");
    let text = fs::read_to_string(file).expect("docs/LIVE.md");
    let table = powers_table();
    assert!(text.contains(&table), "docs/LIVE.md shows another table than:\n{table}");
}
