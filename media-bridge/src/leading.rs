//! Who of the host's side leads a live room, as it is attended (`rules.md` 7).

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use domain::{RoomId, SessionId, Timestamp, UserId};

use crate::{DesiredRoom, Identity, LiveParticipant, StageRole};

/// Who leads may be away for so long: clients come back by themselves within this, also through a restart of the media
/// server.
pub(crate) const AWAY_MAX: TimeDelta = TimeDelta::seconds(30);
/// Nobody is away for a time in which nobody looked.
const UNSEEN_MAX: TimeDelta = TimeDelta::seconds(5);

/// Somebody else should lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handover {
    pub(crate) room: RoomId,
    pub(crate) to: UserId,
}

/// When those who may lead were seen last, for each live room.
#[derive(Debug, Default)]
pub(crate) struct Leads {
    rooms: HashMap<SessionId, Watch>,
}

#[derive(Debug)]
struct Watch {
    /// Looked at without a gap since.
    since: Timestamp,
    looked_at: Timestamp,
    seen: HashMap<UserId, Timestamp>,
}

impl Leads {
    /// Takes in who is there now. The host leads whenever they are there; when whoever leads has been away for too long, the
    /// first co-host who is there does.
    pub(crate) fn observe(
        &mut self,
        room: &DesiredRoom,
        participants: &[LiveParticipant],
        now: Timestamp,
    ) -> Option<Handover> {
        let watch = self.rooms.entry(room.session_id).or_insert_with(|| Watch::new(now));
        watch.look(room, participants, now);
        let to = watch.next(room, now)?;
        Some(Handover { room: room.room_id, to })
    }

    pub(crate) fn keep_only(&mut self, live: &HashSet<SessionId>) {
        self.rooms.retain(|session, _| live.contains(session));
    }
}

impl Watch {
    fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            looked_at: now,
            seen: HashMap::new(),
        }
    }

    fn look(&mut self, room: &DesiredRoom, participants: &[LiveParticipant], now: Timestamp) {
        if now - self.looked_at > UNSEEN_MAX {
            self.since = now;
        }
        self.looked_at = now;
        let present: HashSet<Identity> = participants
            .iter()
            .filter(|participant| participant.is_active)
            .filter_map(|participant| participant.identity.parse().ok())
            .collect();
        let there = room.people.iter().filter(|person| present.contains(&person.identity));
        self.seen.extend(there.map(|person| (person.user, now)));
    }

    fn next(&self, room: &DesiredRoom, now: Timestamp) -> Option<UserId> {
        if self.is_there(room.host) {
            return (room.lead != room.host).then_some(room.host);
        }
        let seen_at = self.seen.get(&room.lead).copied();
        let since = seen_at.map_or(self.since, |seen_at| seen_at.max(self.since));
        if now - since < AWAY_MAX {
            return None;
        }
        let co_hosts = room.people.iter().filter(|person| person.role == StageRole::CoHost);
        co_hosts
            .map(|person| person.user)
            .find(|user| *user != room.lead && self.is_there(*user))
    }

    fn is_there(&self, user: UserId) -> bool {
        self.seen.get(&user) == Some(&self.looked_at)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::DesiredPerson;

    const HOST: UserId = UserId::from_uuid(Uuid::from_u128(1));
    const ANN: UserId = UserId::from_uuid(Uuid::from_u128(2));
    const BOB: UserId = UserId::from_uuid(Uuid::from_u128(3));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    /// Ann was appointed first.
    fn room(lead: UserId) -> DesiredRoom {
        let person = |user, role| DesiredPerson {
            identity: Identity::Host(user),
            user,
            ticket_id: None,
            role,
            is_muted: false,
            asks: false,
            entry: 1,
            taken_over_at: None,
        };
        DesiredRoom {
            room_id: RoomId::from_uuid(Uuid::from_u128(90)),
            session_id: SessionId::from_uuid(Uuid::from_u128(91)),
            host: HOST,
            lead,
            capacity: 100,
            live_since: Some(Timestamp::UNIX_EPOCH),
            recording: crate::DesiredRecording::default(),
            people: vec![
                person(HOST, StageRole::Host),
                person(ANN, StageRole::CoHost),
                person(BOB, StageRole::CoHost),
            ],
        }
    }

    fn there(users: &[UserId]) -> Vec<LiveParticipant> {
        let participant = |user: &UserId| LiveParticipant {
            identity: Identity::Host(*user).to_string(),
            sid: "PA_x".to_owned(),
            is_active: true,
            is_egress: false,
            marks: crate::Marks::new(),
            joined_at: None,
            may_publish: true,
            entry: 1,
            tracks: Vec::new(),
        };
        users.iter().map(participant).collect()
    }

    /// Looks every second until `until`, and says when somebody else should lead, and who.
    fn watch(
        leads: &mut Leads,
        lead: UserId,
        users: &[UserId],
        seconds: std::ops::Range<i64>,
    ) -> Option<(i64, UserId)> {
        let room = room(lead);
        seconds.into_iter().find_map(|second| {
            let handover = leads.observe(&room, &there(users), at(second))?;
            Some((second, handover.to))
        })
    }

    #[test]
    fn the_first_co_host_who_is_there_leads_when_the_host_has_been_away_for_long() {
        let mut leads = Leads::default();
        assert_eq!(watch(&mut leads, HOST, &[HOST, ANN, BOB], 0..10), None);
        assert_eq!(watch(&mut leads, HOST, &[BOB, ANN], 10..100), Some((39, ANN)));
        let mut leads = Leads::default();
        assert_eq!(
            watch(&mut leads, HOST, &[BOB], 0..100),
            Some((30, BOB)),
            "who never came is away"
        );
    }

    #[test]
    fn a_host_who_comes_back_in_time_never_left() {
        let mut leads = Leads::default();
        for start in [0, 30, 60, 90] {
            assert_eq!(watch(&mut leads, HOST, &[HOST, ANN], start..start + 1), None);
            assert_eq!(watch(&mut leads, HOST, &[ANN], start + 1..start + 30), None);
        }
    }

    #[test]
    fn the_host_leads_as_soon_as_they_are_back() {
        let mut leads = Leads::default();
        assert_eq!(watch(&mut leads, ANN, &[ANN, BOB], 0..100), None);
        assert_eq!(watch(&mut leads, ANN, &[ANN, HOST], 100..101), Some((100, HOST)));
    }

    #[test]
    fn nobody_leads_who_is_not_there() {
        let mut leads = Leads::default();
        assert_eq!(watch(&mut leads, HOST, &[], 0..100), None);
        assert_eq!(
            watch(&mut leads, ANN, &[BOB], 100..200),
            Some((100, BOB)),
            "the other co-host"
        );
    }

    #[test]
    fn nobody_is_away_for_a_time_in_which_nobody_looked() {
        let mut leads = Leads::default();
        assert_eq!(watch(&mut leads, HOST, &[HOST, ANN], 0..10), None);
        assert_eq!(watch(&mut leads, HOST, &[ANN], 300..329), None);
        assert_eq!(watch(&mut leads, HOST, &[ANN], 329..400), Some((330, ANN)));
    }
}
