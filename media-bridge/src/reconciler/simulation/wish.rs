//! What the log says, and what a view that lags behind it says.

use std::collections::{BTreeMap, VecDeque};

use domain::{RoomId, SessionId, TicketId, Timestamp, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::identity::room_name;
use crate::{DesiredPerson, DesiredRecording, DesiredRoom, FIRST_ENTRY, Identity, StageRole};

/// By the name of the media server's room.
pub(super) type Rooms = BTreeMap<String, DesiredRoom>;

#[derive(Debug, Default)]
pub(super) struct Wish {
    /// As of the log.
    pub(super) rooms: Rooms,
    /// What the view does not show yet, and from when on it does.
    coming: VecDeque<(Instant, Rooms)>,
    shown: Rooms,
}

impl Wish {
    /// The log has changed; the view shows it from `shown_at` on, or once it shows what was before.
    pub(super) fn changed(&mut self, shown_at: Instant) {
        let before = self.coming.back().map(|(at, _)| *at);
        let at = before.map_or(shown_at, |before| shown_at.max(before));
        self.coming.push_back((at, self.rooms.clone()));
    }

    /// As of the view.
    pub(super) fn shown(&mut self, now: Instant) -> &Rooms {
        while self.coming.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, rooms)) = self.coming.pop_front() {
                self.shown = rooms;
            }
        }
        &self.shown
    }
}

pub(super) fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

/// The people of the model: the host's side by number, and one ticket each for everybody else.
pub(super) fn host_side(number: u128) -> Identity {
    Identity::Host(user(1_000 + number))
}

pub(super) fn ticket(number: u128) -> Identity {
    Identity::Ticket(TicketId::from_uuid(Uuid::from_u128(2_000 + number)))
}

pub(super) fn person(identity: Identity, role: StageRole) -> DesiredPerson {
    let (user, ticket_id) = match identity {
        Identity::Host(user) => (user, None),
        Identity::Ticket(ticket) => (UserId::from_uuid(ticket.as_uuid()), Some(ticket)),
    };
    DesiredPerson {
        identity,
        user,
        ticket_id,
        role,
        is_muted: false,
        asks: false,
        entry: FIRST_ENTRY,
        taken_over_at: None,
    }
}

/// A room that has just opened.
pub(super) fn opened(session: SessionId, tickets: u128) -> (String, DesiredRoom) {
    let host = host_side(0);
    let listeners = (0..tickets).map(|number| person(ticket(number), StageRole::Listener));
    let host = person(host, StageRole::Host);
    let room = DesiredRoom {
        room_id: RoomId::from_uuid(session.as_uuid()),
        session_id: session,
        host: host.user,
        lead: host.user,
        capacity: 100,
        live_since: Some(Timestamp::UNIX_EPOCH),
        recording: DesiredRecording::default(),
        people: std::iter::once(host).chain(listeners).collect(),
    };
    (room_name(session), room)
}
