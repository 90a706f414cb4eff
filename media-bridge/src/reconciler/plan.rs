//! The pure part: the steps from what a room is to what it should be.

use std::collections::HashMap;

use crate::{DesiredPerson, DesiredRoom, Identity, LiveParticipant, Marks, entry, marks};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Step {
    Remove {
        identity: String,
    },
    Demote {
        identity: String,
    },
    Promote {
        identity: String,
    },
    /// What everybody sees of somebody.
    Mark {
        identity: String,
        marks: Marks,
    },
}

impl Step {
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::Remove { identity }
            | Self::Demote { identity }
            | Self::Promote { identity }
            | Self::Mark { identity, .. } => identity,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Remove { .. } => "remove",
            Self::Demote { .. } => "demote",
            Self::Promote { .. } => "promote",
            Self::Mark { .. } => "mark",
        }
    }
}

/// The steps, most urgent first: who may not be there goes, who may not speak is silenced, and only then do others get
/// the word. What they see of each other comes last. Identities that are none of ours may not be there, and neither may who
/// comes back after another device took over.
pub(crate) fn steps(room: &DesiredRoom, participants: &[LiveParticipant]) -> Vec<Step> {
    let wanted: HashMap<Identity, &DesiredPerson> =
        room.people.iter().map(|person| (person.identity, person)).collect();
    let mut steps = Vec::new();
    for participant in participants {
        let identity = participant.identity.clone();
        let person = identity
            .parse()
            .ok()
            .and_then(|identity: Identity| wanted.get(&identity));
        let Some(person) = person.filter(|person| !entry::is_outdated(person, participant)) else {
            steps.push(Step::Remove { identity });
            continue;
        };
        let marks = marks::change(&marks::wanted(room, person), &participant.marks);
        if !marks.is_empty() {
            let identity = identity.clone();
            steps.push(Step::Mark { identity, marks });
        }
        match (person.may_speak(), participant.may_publish) {
            (false, true) => steps.push(Step::Demote { identity }),
            (true, false) => steps.push(Step::Promote { identity }),
            (true, true) | (false, false) => {}
        }
    }
    steps.sort_unstable();
    steps
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::StageRole;

    const HOST: u128 = 1;

    fn ticket(number: u128) -> Identity {
        Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(number)))
    }

    fn room(people: &[(Identity, bool)]) -> DesiredRoom {
        DesiredRoom {
            room_id: RoomId::from_uuid(Uuid::from_u128(90)),
            session_id: SessionId::from_uuid(Uuid::from_u128(91)),
            host: UserId::from_uuid(Uuid::from_u128(HOST)),
            lead: UserId::from_uuid(Uuid::from_u128(HOST)),
            capacity: 100,
            live_since: Some(Timestamp::UNIX_EPOCH),
            recording: crate::DesiredRecording::default(),
            people: people
                .iter()
                .map(|&(identity, may_speak)| DesiredPerson {
                    identity,
                    user: UserId::from_uuid(Uuid::from_u128(2)),
                    ticket_id: None,
                    role: if may_speak {
                        StageRole::Speaker
                    } else {
                        StageRole::Listener
                    },
                    is_muted: false,
                    asks: false,
                    entry: 1,
                    taken_over_at: None,
                })
                .collect(),
        }
    }

    fn role(name: &str) -> Marks {
        Marks::from([("boxoffice.role".to_owned(), name.to_owned())])
    }

    fn present(identity: &impl ToString, may_publish: bool) -> LiveParticipant {
        LiveParticipant {
            identity: identity.to_string(),
            sid: "PA_x".to_owned(),
            is_active: true,
            is_egress: false,
            marks: if may_publish { role("speaker") } else { Marks::new() },
            joined_at: None,
            may_publish,
            entry: 1,
            tracks: Vec::new(),
        }
    }

    #[test]
    fn a_room_that_is_as_it_should_be_needs_nothing() {
        let room = room(&[(ticket(3), false), (ticket(4), true), (ticket(5), false)]);
        assert_eq!(
            steps(&room, &[present(&ticket(3), false), present(&ticket(4), true)]),
            []
        );
    }

    #[test]
    fn who_comes_back_after_another_device_took_over_goes_and_who_is_still_there_stays() {
        let taken_over_at = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut room = room(&[(ticket(3), false)]);
        room.people[0].entry = 2;
        room.people[0].taken_over_at = Some(taken_over_at);
        let seen = |entry: u32, seconds: i64| {
            let participant = LiveParticipant {
                entry,
                joined_at: Some(taken_over_at + TimeDelta::seconds(seconds)),
                ..present(&ticket(3), false)
            };
            !steps(&room, &[participant]).is_empty()
        };
        assert!(seen(1, 0) && seen(1, 60), "came with the old entry");
        assert!(!seen(1, -60), "was there before, and the other one has not come yet");
        assert!(!seen(2, 1) && !seen(3, 1), "the other one");
    }

    #[test]
    fn removals_come_before_demotions_these_before_promotions_and_what_is_seen_comes_last() {
        let room = room(&[(ticket(3), true), (ticket(4), false)]);
        let people = [
            present(&ticket(3), false),
            present(&ticket(4), true),
            present(&ticket(5), true),
            present(&"somebody", false),
            present(&format!("{}#side", ticket(3)), true),
        ];
        let identity = |identity: Identity| identity.to_string();
        assert_eq!(
            steps(&room, &people),
            [
                Step::Remove {
                    identity: "somebody".to_owned()
                },
                Step::Remove {
                    identity: format!("{}#side", ticket(3))
                },
                Step::Remove {
                    identity: identity(ticket(5))
                },
                Step::Demote {
                    identity: identity(ticket(4))
                },
                Step::Promote {
                    identity: identity(ticket(3))
                },
                Step::Mark {
                    identity: identity(ticket(3)),
                    marks: role("speaker")
                },
                Step::Mark {
                    identity: identity(ticket(4)),
                    marks: role("")
                },
            ]
        );
    }
}
