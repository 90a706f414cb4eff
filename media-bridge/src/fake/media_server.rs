//! A media server in memory: rooms and people as the bridge sees them, and the faults of a real one.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::Timestamp;

use crate::{Badge, FIRST_ENTRY, LiveParticipant, LiveRoom, LiveTrack, Marks, MediaError, MediaServer, Permission};

#[derive(Debug, Default)]
pub struct FakeMediaServer {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rooms: BTreeMap<String, Room>,
    is_away: bool,
    failing: HashSet<String>,
    hanging: HashSet<String>,
    lost_answers: usize,
    minted: usize,
    calls: Vec<String>,
    messages: Vec<(String, String)>,
}

#[derive(Debug)]
struct Room {
    sid: String,
    max_participants: u32,
    note: String,
    people: BTreeMap<String, LiveParticipant>,
}

impl Room {
    const fn new(sid: String, max_participants: u32, people: BTreeMap<String, LiveParticipant>) -> Self {
        Self {
            sid,
            max_participants,
            note: String::new(),
            people,
        }
    }
}

impl State {
    fn mint(&mut self, prefix: &str) -> String {
        self.minted += 1;
        format!("{prefix}_{}", self.minted)
    }

    /// The call happened, but its answer may be lost.
    fn answer<T>(&mut self, answer: T) -> Result<T, MediaError> {
        if self.lost_answers > 0 {
            self.lost_answers -= 1;
            return Err(away());
        }
        Ok(answer)
    }
}

fn away() -> MediaError {
    MediaError::Unavailable("the fake is away".into())
}

impl FakeMediaServer {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, name: &str, room: &str) -> Result<MutexGuard<'_, State>, MediaError> {
        let mut state = self.state();
        if state.is_away || state.failing.contains(room) {
            return Err(away());
        }
        state.calls.push(format!("{name} {room}").trim_end().to_owned());
        Ok(state)
    }

    /// Every call fails, until it is back.
    pub fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Calls about this room fail.
    pub fn fail_room(&self, room: &str) {
        self.state().failing.insert(room.to_owned());
    }

    /// Deleting this room is never answered.
    pub fn hang_room(&self, room: &str) {
        self.state().hanging.insert(room.to_owned());
    }

    /// The next calls that change something do so, but look failed.
    pub fn lose_answers(&self, count: usize) {
        self.state().lost_answers = count;
    }

    /// Forgets every room and connection, like a restarted server.
    pub fn restart(&self) {
        self.state().rooms.clear();
    }

    /// A room made by somebody else.
    pub fn open_foreign_room(&self, name: &str) {
        let mut state = self.state();
        let sid = state.mint("RM");
        let people = BTreeMap::new();
        state.rooms.insert(name.to_owned(), Room::new(sid, 0, people));
    }

    /// How many a room takes at most, as it was created.
    pub fn ceiling(&self, room: &str) -> Option<u32> {
        Some(self.state().rooms.get(room)?.max_participants)
    }

    /// Somebody joins with a valid token. Returns the connection's sid; `None` if there is no such room.
    pub fn join(&self, room: &str, identity: &str) -> Option<String> {
        self.join_with(room, identity, FIRST_ENTRY, None)
    }

    /// The same, with the token of this entry.
    pub fn join_with(&self, room: &str, identity: &str, entry: u32, joined_at: Option<Timestamp>) -> Option<String> {
        let mut state = self.state();
        let sid = state.mint("PA");
        let person = LiveParticipant {
            identity: identity.to_owned(),
            sid: sid.clone(),
            is_active: true,
            is_egress: false,
            joined_at,
            may_publish: false,
            entry,
            marks: Marks::new(),
            tracks: Vec::new(),
        };
        state.rooms.get_mut(room)?.people.insert(identity.to_owned(), person);
        Some(sid)
    }

    pub fn leave(&self, room: &str, identity: &str) {
        if let Some(room) = self.state().rooms.get_mut(room) {
            room.people.remove(identity);
        }
    }

    /// Publishes a microphone track; `false` if that is not permitted.
    pub fn publish(&self, room: &str, identity: &str) -> bool {
        let mut state = self.state();
        let sid = state.mint("TR");
        let person = state.rooms.get_mut(room).and_then(|room| room.people.get_mut(identity));
        let Some(person) = person.filter(|person| person.may_publish) else {
            return false;
        };
        person.tracks.push(LiveTrack {
            sid,
            is_audio: true,
            is_muted: false,
        });
        true
    }

    pub fn rooms(&self) -> Vec<String> {
        self.state().rooms.keys().cloned().collect()
    }

    pub fn people(&self, room: &str) -> Vec<LiveParticipant> {
        let state = self.state();
        state
            .rooms
            .get(room)
            .map(|room| room.people.values().cloned().collect())
            .unwrap_or_default()
    }

    /// What rooms were told since the last time: topic and message.
    pub fn take_messages(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state().messages)
    }

    /// The calls since the last time, as `name room`.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }
}

#[async_trait]
impl MediaServer for FakeMediaServer {
    async fn create_room(&self, name: &str, max_participants: u32) -> Result<LiveRoom, MediaError> {
        let mut state = self.call("create_room", name)?;
        if !state.rooms.contains_key(name) {
            let sid = state.mint("RM");
            let people = BTreeMap::new();
            state
                .rooms
                .insert(name.to_owned(), Room::new(sid, max_participants, people));
        }
        let room = &state.rooms[name];
        let room = LiveRoom {
            name: name.to_owned(),
            sid: room.sid.clone(),
            note: room.note.clone(),
        };
        state.answer(room)
    }

    async fn delete_room(&self, name: &str) -> Result<(), MediaError> {
        let hangs = self.state().hanging.contains(name);
        if hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.call("delete_room", name)?;
        state.rooms.remove(name).ok_or(MediaError::NotFound)?;
        state.answer(())
    }

    async fn list_rooms(&self) -> Result<Vec<LiveRoom>, MediaError> {
        let state = self.call("list_rooms", "")?;
        let room = |(name, room): (&String, &Room)| LiveRoom {
            name: name.clone(),
            sid: room.sid.clone(),
            note: room.note.clone(),
        };
        Ok(state.rooms.iter().map(room).collect())
    }

    async fn list_participants(&self, room: &str) -> Result<Vec<LiveParticipant>, MediaError> {
        let state = self.call("list_participants", room)?;
        Ok(state
            .rooms
            .get(room)
            .map(|room| room.people.values().cloned().collect())
            .unwrap_or_default())
    }

    async fn find_participant(&self, room: &str, identity: &str) -> Result<Option<LiveParticipant>, MediaError> {
        let state = self.call("find_participant", room)?;
        Ok(state
            .rooms
            .get(room)
            .and_then(|room| room.people.get(identity))
            .cloned())
    }

    async fn set_permission(&self, room: &str, identity: &str, permission: Permission) -> Result<(), MediaError> {
        let mut state = self.call("set_permission", room)?;
        let person = state.rooms.get_mut(room).and_then(|room| room.people.get_mut(identity));
        let person = person.ok_or(MediaError::NotFound)?;
        person.may_publish = permission == Permission::Speak;
        if !person.may_publish {
            person.tracks.clear();
        }
        state.answer(())
    }

    async fn set_marks(&self, room: &str, identity: &str, marks: &Marks) -> Result<(), MediaError> {
        let mut state = self.call("set_marks", room)?;
        let person = state.rooms.get_mut(room).and_then(|room| room.people.get_mut(identity));
        let person = person.ok_or(MediaError::NotFound)?;
        person.marks.extend(marks.clone());
        person.marks.retain(|_, value| !value.is_empty());
        state.answer(())
    }

    async fn set_room_note(&self, room: &str, note: &str) -> Result<(), MediaError> {
        let mut state = self.call("set_room_note", room)?;
        let known = state.rooms.get_mut(room).ok_or(MediaError::NotFound)?;
        note.clone_into(&mut known.note);
        state.answer(())
    }

    async fn send_data(&self, room: &str, topic: &str, message: Vec<u8>) -> Result<(), MediaError> {
        let mut state = self.call("send_data", room)?;
        if !state.rooms.contains_key(room) {
            return Err(MediaError::NotFound);
        }
        state
            .messages
            .push((topic.to_owned(), String::from_utf8_lossy(&message).into_owned()));
        state.answer(())
    }

    async fn remove_participant(&self, room: &str, identity: &str) -> Result<(), MediaError> {
        let mut state = self.call("remove_participant", room)?;
        let people = state.rooms.get_mut(room).map(|room| &mut room.people);
        people
            .and_then(|people| people.remove(identity))
            .ok_or(MediaError::NotFound)?;
        state.answer(())
    }

    fn entry_token(&self, room: &str, badge: Badge<'_>, ttl_seconds: u32) -> Result<String, MediaError> {
        let Badge { identity, entry, name } = badge;
        let name = name.map(|name| format!(", called {name}")).unwrap_or_default();
        Ok(format!(
            "{identity} may enter {room} for {ttl_seconds} s, entry {entry}{name}"
        ))
    }

    fn recorder_token(&self, room: &str, identity: &str, ttl_seconds: u32) -> Result<String, MediaError> {
        Ok(format!("{identity} may record {room} for {ttl_seconds} s"))
    }
}
