//! What has to be so, watched at every change.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio::time::{Duration, Instant};

use super::server::Server;
use super::wish::Rooms;
use crate::identity::session_of;
use crate::marks;
use crate::{DesiredPerson, Identity, Marks};

/// Of calm time, from the event on the log to the media server.
pub(super) const BOUND: Duration = Duration::from_secs(2);
/// While no room is live at all, the media server is looked at more rarely.
const IDLE_BOUND: Duration = Duration::from_secs(6);
/// What was under way when a storm ended may take so long to fail: reading the wish, listing, a room, deletions.
pub(super) const AFTERMATH: Duration = Duration::from_secs(16);
/// The timetable's least distance between two activations.
const APART: Duration = Duration::from_millis(100);

/// A difference between the log and the media server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Wrong {
    RoomIsMissing { room: String },
    RoomIsLeft { room: String, is_idle: bool },
    Stays { room: String, sid: String },
    MayPublish { room: String, sid: String },
    MayNotPublish { room: String, sid: String },
    Marks { room: String, sid: String, wanted: Marks },
}

impl Wrong {
    const fn name(&self) -> &'static str {
        match self {
            Self::RoomIsMissing { .. } => "a room is missing",
            Self::RoomIsLeft { is_idle: false, .. } => "a room is left over",
            Self::RoomIsLeft { is_idle: true, .. } => "a room is left over, and none is live",
            Self::Stays { .. } => "somebody forbidden stays",
            Self::MayPublish { .. } => "somebody forbidden may publish",
            Self::MayNotPublish { .. } => "somebody on the stage may not publish",
            Self::Marks { .. } => "somebody is shown as they are not",
        }
    }
}

impl Wrong {
    const fn bound(&self) -> Duration {
        match self {
            Self::RoomIsLeft { is_idle: true, .. } => IDLE_BOUND,
            _ => BOUND,
        }
    }
}

/// What the reconciler asks of the media server. Their order is the one that changes of one room have to be made in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Call {
    ListRooms,
    ListParticipants,
    Create,
    Delete,
    Remove,
    Demote,
    Promote,
    Mark,
}

/// One look of the reconciler, and what it did for it.
#[derive(Debug, Default)]
struct Activation {
    read: Rooms,
    /// Calls made, and calls that what was seen is reason for.
    calls: usize,
    calls_max: usize,
    changes: HashMap<String, Call>,
    done: HashSet<(Call, String, String)>,
}

#[derive(Debug)]
pub(super) struct Judge {
    /// Since when each of them is wrong, in calm time.
    wrong: BTreeMap<Wrong, Duration>,
    pub(super) calm: Duration,
    looked_at: Instant,
    /// Calm begins then, if there is no storm.
    calm_from: Option<Instant>,
    activation: Activation,
    activated_at: Option<Instant>,
    pub(super) failures: Vec<String>,
    pub(super) longest: BTreeMap<&'static str, Duration>,
    pub(super) activations: u64,
    pub(super) calls: u64,
    pub(super) changes: u64,
}

impl Judge {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            wrong: BTreeMap::new(),
            calm: Duration::ZERO,
            looked_at: now,
            calm_from: Some(now),
            activation: Activation::default(),
            activated_at: None,
            failures: Vec::new(),
            longest: BTreeMap::new(),
            activations: 0,
            calls: 0,
            changes: 0,
        }
    }

    fn fail(&mut self, what: String) {
        self.failures.push(what);
    }

    /// A storm begins, or is over.
    pub(super) fn storm(&mut self, rages: bool, now: Instant) {
        self.pass(now);
        self.calm_from = (!rages).then_some(now + AFTERMATH);
    }

    fn pass(&mut self, now: Instant) {
        if let Some(from) = self.calm_from {
            self.calm += now.saturating_duration_since(self.looked_at.max(from));
        }
        self.looked_at = now;
    }

    /// Compares both sides as they are now.
    pub(super) fn look(&mut self, wish: &Rooms, server: &Server, now: Instant) {
        self.pass(now);
        let found = differences(wish, server);
        let mut before = std::mem::take(&mut self.wrong);
        for wrong in found {
            let since = before.remove(&wrong).unwrap_or(self.calm);
            self.measure(&wrong, since);
            self.wrong.insert(wrong, since);
        }
        for (wrong, since) in before {
            self.measure(&wrong, since);
        }
    }

    fn measure(&mut self, wrong: &Wrong, since: Duration) {
        let lasted = self.calm.saturating_sub(since);
        let longest = self.longest.entry(wrong.name()).or_default();
        *longest = (*longest).max(lasted);
        if lasted > wrong.bound() {
            self.fail(format!("{wrong:?} for {lasted:?} of calm time"));
        }
    }

    /// What is wrong at the end.
    pub(super) fn remaining(&self) -> Vec<Wrong> {
        self.wrong.keys().cloned().collect()
    }

    /// Another process reconciles from now on.
    pub(super) fn restarted(&mut self) {
        self.activated_at = None;
        self.activation = Activation::default();
    }

    /// An activation begins with reading the wish.
    pub(super) fn activated(&mut self, read: &Rooms, now: Instant) {
        self.check_calls();
        self.activations += 1;
        if let Some(before) = self.activated_at.replace(now)
            && now - before < APART
        {
            self.fail(format!("an activation {:?} after the one before", now - before));
        }
        self.activation = Activation {
            read: read.clone(),
            calls_max: 1 + 2 * read.len(),
            ..Activation::default()
        };
    }

    pub(super) fn called(&mut self, call: Call, room: &str, identity: &str) {
        self.calls += 1;
        self.activation.calls += 1;
        if call > Call::ListParticipants {
            self.changes += 1;
            self.check_change(call, room, identity);
        }
    }

    /// A change rests on what the activation read, is made once, and is not made before what is more urgent.
    fn check_change(&mut self, call: Call, room: &str, identity: &str) {
        let wanted = self.activation.read.get(room);
        let person = wanted.and_then(|room| {
            let identity: Identity = identity.parse().ok()?;
            room.people.iter().find(|person| person.identity == identity)
        });
        let may_speak = person.map(DesiredPerson::may_speak);
        let has_reason = match call {
            Call::ListRooms | Call::ListParticipants => true,
            Call::Create => wanted.is_some(),
            Call::Delete => wanted.is_none() && session_of(room).is_some(),
            Call::Remove => wanted.is_some() && person.is_none(),
            Call::Demote => may_speak == Some(false),
            Call::Promote => may_speak == Some(true),
            Call::Mark => person.is_some(),
        };
        if !has_reason {
            self.fail(format!("{call:?} of {identity} in {room} is not what the wish says"));
        }
        let change = (call, room.to_owned(), identity.to_owned());
        if !self.activation.done.insert(change) {
            self.fail(format!("{call:?} of {identity} in {room} twice in one activation"));
        }
        let before = self.activation.changes.insert(room.to_owned(), call);
        if before.is_some_and(|before| before > call) {
            self.fail(format!("{call:?} in {room} after {before:?}"));
        }
    }

    /// What was listed is reason for so many calls more.
    pub(super) fn listed_rooms<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let unwanted = names.filter(|name| session_of(name).is_some() && !self.activation.read.contains_key(*name));
        self.activation.calls_max += unwanted.count();
    }

    pub(super) fn listed_participants(&mut self, count: usize) {
        self.activation.calls_max += 2 * count;
    }

    fn check_calls(&mut self) {
        let Activation { calls, calls_max, .. } = self.activation;
        if calls > calls_max {
            self.fail(format!(
                "{calls} calls in one activation, for which there is reason for {calls_max}"
            ));
        }
    }
}

fn differences(wish: &Rooms, server: &Server) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for room in wish.keys().filter(|room| !server.rooms.contains_key(*room)) {
        wrong.push(Wrong::RoomIsMissing { room: room.clone() });
    }
    for (room, live) in server.rooms.iter().filter(|(room, _)| session_of(room).is_some()) {
        let Some(wanted) = wish.get(room) else {
            let (room, is_idle) = (room.clone(), wish.is_empty());
            wrong.push(Wrong::RoomIsLeft { room, is_idle });
            continue;
        };
        let people: HashMap<String, &DesiredPerson> = wanted
            .people
            .iter()
            .map(|person| (person.identity.to_string(), person))
            .collect();
        for (identity, connection) in &live.people {
            let (room, sid) = (room.clone(), connection.sid.clone());
            let person = people.get(identity).copied();
            let may_speak = person.is_some_and(DesiredPerson::may_speak);
            if connection.may_publish && !may_speak {
                let (room, sid) = (room.clone(), sid.clone());
                wrong.push(Wrong::MayPublish { room, sid });
            }
            let Some(person) = person else {
                wrong.push(Wrong::Stays { room, sid });
                continue;
            };
            let marks = marks::wanted(wanted, person);
            if marks != connection.marks {
                let (room, sid, wanted) = (room.clone(), sid.clone(), marks);
                wrong.push(Wrong::Marks { room, sid, wanted });
            }
            if may_speak && !connection.may_publish {
                wrong.push(Wrong::MayNotPublish { room, sid });
            }
        }
    }
    wrong
}
