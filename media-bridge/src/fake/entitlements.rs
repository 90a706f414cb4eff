//! Entitlements in memory, set by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};

use crate::{
    Admission, DesiredPerson, DesiredRecording, DesiredRoom, Entitlements, EntitlementsError, FIRST_ENTRY, Identity,
    RefusalReason, StageRole,
};

const CAPACITY: u32 = 100;

#[derive(Debug, Default)]
pub struct FakeEntitlements {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<SessionId, DesiredRoom>,
    removed: BTreeSet<(SessionId, Identity)>,
    banned: BTreeSet<(SessionId, Identity)>,
    is_unreadable: bool,
}

impl FakeEntitlements {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readable(&self) -> Result<MutexGuard<'_, State>, EntitlementsError> {
        let state = self.state();
        if state.is_unreadable {
            return Err(EntitlementsError("the fake is unreadable".into()));
        }
        Ok(state)
    }

    /// Nothing can be read, until it can again.
    pub fn set_unreadable(&self, is_unreadable: bool) {
        self.state().is_unreadable = is_unreadable;
    }

    /// A room goes live, with its host.
    pub fn open(&self, room_id: RoomId, session_id: SessionId, host: UserId) {
        let room = DesiredRoom {
            room_id,
            session_id,
            host,
            lead: host,
            capacity: CAPACITY,
            live_since: Some(Timestamp::UNIX_EPOCH),
            recording: DesiredRecording::default(),
            people: vec![person(Identity::Host(host), host, StageRole::Host)],
        };
        self.state().rooms.insert(session_id, room);
    }

    /// The host waits for the opening.
    pub fn open_lobby(&self, room_id: RoomId, session_id: SessionId, host: UserId) {
        self.open(room_id, session_id, host);
        self.room(session_id, |room| room.live_since = None);
    }

    /// The room of an open lobby goes live.
    pub fn open_doors(&self, session: SessionId, at: Timestamp) {
        self.room(session, |room| room.live_since = Some(at));
    }

    /// Another device takes over. Returns the number of its entry.
    pub fn take_over(&self, session: SessionId, identity: Identity, at: Timestamp) -> u32 {
        let mut entry = FIRST_ENTRY;
        self.room(session, |room| {
            let people = room.people.iter_mut().filter(|person| person.identity == identity);
            for person in people {
                person.entry += 1;
                person.taken_over_at = Some(at);
                entry = person.entry;
            }
        });
        entry
    }

    /// The room is over.
    pub fn end(&self, session: SessionId) {
        self.state().rooms.remove(&session);
    }

    pub fn admit(&self, session: SessionId, ticket: TicketId, user: UserId) {
        self.room(session, |room| {
            room.people
                .push(person(Identity::Ticket(ticket), user, StageRole::Listener));
        });
    }

    pub fn let_speak(&self, session: SessionId, identity: Identity, may_speak: bool) {
        self.person(session, identity, |person| {
            person.role = if may_speak {
                StageRole::Speaker
            } else {
                StageRole::Listener
            };
        });
    }

    /// One of the host's side, without a ticket.
    pub fn appoint(&self, session: SessionId, user: UserId) {
        self.room(session, |room| {
            room.people.push(person(Identity::Host(user), user, StageRole::CoHost));
        });
    }

    pub fn mute(&self, session: SessionId, identity: Identity, is_muted: bool) {
        self.person(session, identity, |person| person.is_muted = is_muted);
    }

    /// Everybody on the stage but the host.
    pub fn mute_all(&self, session: SessionId) {
        self.room(session, |room| {
            let below = |person: &&mut DesiredPerson| matches!(person.role, StageRole::CoHost | StageRole::Speaker);
            let people = room.people.iter_mut().filter(below);
            people.for_each(|person| person.is_muted = true);
        });
    }

    pub fn raise_hand(&self, session: SessionId, identity: Identity, asks: bool) {
        self.person(session, identity, |person| person.asks = asks);
    }

    /// Whether the room may be recorded, and is to be now.
    pub fn record(&self, session: SessionId, recording: DesiredRecording) {
        self.room(session, |room| room.recording = recording);
    }

    pub fn lead(&self, session: SessionId, lead: UserId) {
        self.room(session, |room| room.lead = lead);
    }

    pub fn ban(&self, session: SessionId, identity: Identity) {
        self.room(session, |room| room.people.retain(|person| person.identity != identity));
        self.state().banned.insert((session, identity));
    }

    fn person(&self, session: SessionId, identity: Identity, change: impl Fn(&mut DesiredPerson)) {
        self.room(session, |room| {
            let people = room.people.iter_mut().filter(|person| person.identity == identity);
            people.for_each(change);
        });
    }

    pub fn remove(&self, session: SessionId, identity: Identity) {
        self.room(session, |room| room.people.retain(|person| person.identity != identity));
        self.state().removed.insert((session, identity));
    }

    fn room(&self, session: SessionId, change: impl FnOnce(&mut DesiredRoom)) {
        if let Some(room) = self.state().rooms.get_mut(&session) {
            change(room);
        }
    }
}

fn person(identity: Identity, user: UserId, role: StageRole) -> DesiredPerson {
    DesiredPerson {
        identity,
        user,
        ticket_id: match identity {
            Identity::Ticket(ticket) => Some(ticket),
            Identity::Host(_) => None,
        },
        role,
        is_muted: false,
        asks: false,
        entry: FIRST_ENTRY,
        taken_over_at: None,
    }
}

#[async_trait]
impl Entitlements for FakeEntitlements {
    async fn live_rooms(&self) -> Result<Vec<DesiredRoom>, EntitlementsError> {
        Ok(self.readable()?.rooms.values().cloned().collect())
    }

    async fn admission(&self, session: SessionId, identity: Identity) -> Result<Admission, EntitlementsError> {
        let state = self.readable()?;
        let Some(room) = state.rooms.get(&session) else {
            return Ok(Admission::NoSuchRoom);
        };
        let person = room.people.iter().find(|person| person.identity == identity);
        Ok(match person {
            Some(person) => Admission::Admitted {
                may_speak: person.may_speak(),
                entry: person.entry,
            },
            None if state.banned.contains(&(session, identity)) => Admission::Refused(RefusalReason::Banned),
            None if state.removed.contains(&(session, identity)) => Admission::Refused(RefusalReason::Removed),
            None => Admission::Refused(RefusalReason::NotIssued),
        })
    }
}
