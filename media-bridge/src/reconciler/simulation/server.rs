//! The media server, as far as the reconciler can tell.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};

use crate::{FIRST_ENTRY, LiveParticipant, LiveRoom, LiveTrack, Marks, MediaError};

/// What the server signs itself is good for at least so long, whatever the first token said.
const REFRESHED_FOR: Duration = Duration::from_mins(10);

/// A right to come in, which nobody can take back.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) may_publish: bool,
    pub(super) marks: Marks,
    pub(super) expires_at: Instant,
}

#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) sid: String,
    pub(super) is_active: bool,
    pub(super) may_publish: bool,
    pub(super) marks: Marks,
    pub(super) has_track: bool,
}

#[derive(Debug)]
pub(super) struct Room {
    sid: String,
    pub(super) people: BTreeMap<String, Connection>,
}

/// What the outside is told.
#[derive(Clone, Debug)]
pub(super) enum News {
    Joined,
    Left {
        room: String,
        identity: String,
        sid: String,
    },
    /// Goes to the client alone.
    Token {
        room: String,
        identity: String,
        token: Token,
    },
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) rooms: BTreeMap<String, Room>,
    pub(super) is_up: bool,
    /// Counts the restarts: an answer does not outlive one.
    pub(super) epoch: u64,
    minted: u64,
    news: Vec<News>,
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            rooms: BTreeMap::new(),
            is_up: true,
            epoch: 0,
            minted: 0,
            news: Vec::new(),
        }
    }

    fn mint(&mut self, kind: &str) -> String {
        self.minted += 1;
        format!("{kind}_{}", self.minted)
    }

    pub(super) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// As `kill -9` does: every room and connection is forgotten, and nobody is told.
    pub(super) fn kill(&mut self) {
        self.is_up = false;
        self.epoch += 1;
        self.rooms.clear();
        self.news.clear();
    }

    /// Whether they are in: not without a room. Whoever was in by this name is out.
    pub(super) fn join(&mut self, room: &str, identity: &str, token: &Token, is_active: bool, now: Instant) -> bool {
        if !self.is_up || !self.rooms.contains_key(room) || token.expires_at < now {
            return false;
        }
        let _ = self.leave(room, identity);
        let connection = Connection {
            sid: self.mint("PA"),
            is_active,
            may_publish: token.may_publish,
            marks: token.marks.clone(),
            has_track: false,
        };
        self.hand_out_token(room, identity, &connection, now);
        if let Some(room) = self.rooms.get_mut(room) {
            room.people.insert(identity.to_owned(), connection);
        }
        if is_active {
            self.news.push(News::Joined);
        }
        true
    }

    pub(super) fn leave(&mut self, room: &str, identity: &str) -> Result<(), MediaError> {
        let people = self.rooms.get_mut(room).map(|room| &mut room.people);
        let gone = people
            .and_then(|people| people.remove(identity))
            .ok_or(MediaError::NotFound)?;
        self.news.push(News::Left {
            room: room.to_owned(),
            identity: identity.to_owned(),
            sid: gone.sid,
        });
        Ok(())
    }

    /// Dropped without a word if it is not permitted.
    pub(super) fn publish(&mut self, room: &str, identity: &str) {
        if let Some(person) = self.person(room, identity) {
            person.has_track = person.may_publish;
        }
    }

    fn person(&mut self, room: &str, identity: &str) -> Option<&mut Connection> {
        self.rooms.get_mut(room)?.people.get_mut(identity)
    }

    pub(super) fn create(&mut self, name: &str) -> LiveRoom {
        let sid = self.mint("RM");
        let made = || Room {
            sid,
            people: BTreeMap::new(),
        };
        let room = self.rooms.entry(name.to_owned()).or_insert_with(made);
        LiveRoom {
            name: name.to_owned(),
            sid: room.sid.clone(),
            note: String::new(),
        }
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), MediaError> {
        let room = self.rooms.remove(name).ok_or(MediaError::NotFound)?;
        let left = room.people.into_iter().map(|(identity, person)| News::Left {
            room: name.to_owned(),
            identity,
            sid: person.sid,
        });
        self.news.extend(left);
        Ok(())
    }

    pub(super) fn list(&self) -> Vec<LiveRoom> {
        let room = |(name, room): (&String, &Room)| LiveRoom {
            name: name.clone(),
            sid: room.sid.clone(),
            note: String::new(),
        };
        self.rooms.iter().map(room).collect()
    }

    /// Nobody, of a room that is not there.
    pub(super) fn participants(&self, room: &str) -> Vec<LiveParticipant> {
        let people = self.rooms.get(room).into_iter().flat_map(|room| &room.people);
        people
            .map(|(identity, person)| LiveParticipant {
                identity: identity.clone(),
                sid: person.sid.clone(),
                is_active: person.is_active,
                is_egress: false,
                joined_at: None,
                may_publish: person.may_publish,
                entry: FIRST_ENTRY,
                marks: person.marks.clone(),
                tracks: person.has_track.then(track).into_iter().collect(),
            })
            .collect()
    }

    pub(super) fn permit(
        &mut self,
        room: &str,
        identity: &str,
        may_publish: bool,
        now: Instant,
    ) -> Result<(), MediaError> {
        let person = self.person(room, identity).ok_or(MediaError::NotFound)?;
        person.may_publish = may_publish;
        person.has_track &= may_publish;
        let person = person.clone();
        self.hand_out_token(room, identity, &person, now);
        Ok(())
    }

    pub(super) fn mark(&mut self, room: &str, identity: &str, marks: &Marks) -> Result<(), MediaError> {
        let person = self.person(room, identity).ok_or(MediaError::NotFound)?;
        person.marks.extend(marks.clone());
        person.marks.retain(|_, value| !value.is_empty());
        Ok(())
    }

    fn hand_out_token(&mut self, room: &str, identity: &str, of: &Connection, now: Instant) {
        self.news.push(News::Token {
            room: room.to_owned(),
            identity: identity.to_owned(),
            token: Token {
                may_publish: of.may_publish,
                marks: of.marks.clone(),
                expires_at: now + REFRESHED_FOR,
            },
        });
    }
}

fn track() -> LiveTrack {
    LiveTrack {
        sid: "TR_1".to_owned(),
        is_audio: true,
        is_muted: false,
    }
}
