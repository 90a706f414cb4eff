//! Keeps the stays of live rooms, and writes what changed.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use domain::{SessionId, Timestamp, UserId};
use sqlx::PgPool;

use super::merge::{Leave, Sighting, Stay};
use super::rows::{self, Attendee, stays_of};
use super::watch::Watches;
use crate::{DesiredRoom, Identity, LiveParticipant};

/// A stay in which nothing happens is written this often, not with every observation.
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(2);
/// Reports of people of whom nobody knows yet who they are wait for the next look at their room; more are dropped.
const EARLY_MAX: usize = 1_000;

/// The stays of every room that is live, in memory and in `media_presence`, and how far each was watched.
#[derive(Debug)]
pub(crate) struct PresenceRecorder {
    pool: PgPool,
    rooms: HashMap<SessionId, RoomPresence>,
    watches: Watches,
}

#[derive(Debug, Default)]
struct RoomPresence {
    /// Who may be in the room, as of the last observation.
    people: HashMap<Identity, UserId>,
    stays: HashMap<(Identity, String), Tracked>,
    /// Reported before the first look after a start of ours.
    early: Vec<(Identity, String, Leave)>,
}

#[derive(Debug)]
struct Tracked {
    user: UserId,
    stay: Stay,
    written: Option<Stay>,
}

impl Tracked {
    fn new(user: UserId, stay: Stay) -> Self {
        Self {
            user,
            stay,
            written: None,
        }
    }

    fn is_due(&self) -> bool {
        let Some(written) = &self.written else {
            return true;
        };
        *written != self.stay
            && (self.stay.audible
                || written.audible
                || written.left != self.stay.left
                || self.stay.seen_at - written.seen_at >= WRITE_EVERY)
    }
}

impl PresenceRecorder {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            rooms: HashMap::new(),
            watches: Watches::default(),
        }
    }

    /// Takes in who is in a room now. A stay begins only for people who may be there. `media_sid` is the media server's name
    /// of the room.
    pub(crate) async fn observe(
        &mut self,
        room: &DesiredRoom,
        media_sid: &str,
        participants: &[LiveParticipant],
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let presence = self.load(room.session_id).await?;
        presence.people = room
            .people
            .iter()
            .map(|person| (person.identity, person.user))
            .collect();
        for (identity, sid, leave) in std::mem::take(&mut presence.early) {
            presence.leave(identity, sid, leave, now);
        }
        presence.observe(participants, now);
        self.write(room.session_id).await?;
        self.watches.look(&self.pool, room.session_id, media_sid, now).await
    }

    /// The media server says nothing of these rooms.
    pub(crate) async fn fail(&mut self, sessions: &[SessionId], now: Timestamp) -> Result<(), sqlx::Error> {
        for session in sessions {
            self.watches.fail(&self.pool, *session, now).await?;
        }
        Ok(())
    }

    /// Takes in a report that somebody left.
    pub(crate) async fn report_leave(
        &mut self,
        session: SessionId,
        identity: Identity,
        participant_sid: String,
        leave: Leave,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let presence = self.load(session).await?;
        presence.leave(identity, participant_sid, leave, now);
        self.write(session).await
    }

    /// Writes the last of every room that is over, and drops it.
    pub(crate) async fn keep_only(&mut self, live: &HashSet<SessionId>) -> Result<(), sqlx::Error> {
        let over: Vec<SessionId> = self
            .rooms
            .keys()
            .filter(|session| !live.contains(session))
            .copied()
            .collect();
        for session in over {
            self.write_stays(session, |_| true).await?;
            self.rooms.remove(&session);
        }
        self.watches.forget(|session| !live.contains(&session));
        Ok(())
    }

    /// After a restart of ours, stays go on where they were written last.
    async fn load(&mut self, session: SessionId) -> Result<&mut RoomPresence, sqlx::Error> {
        if !self.rooms.contains_key(&session) {
            let mut presence = RoomPresence::default();
            for attendee in stays_of(&self.pool, session).await? {
                let tracked = Tracked {
                    user: attendee.user,
                    written: Some(attendee.stay.clone()),
                    stay: attendee.stay,
                };
                presence
                    .stays
                    .insert((attendee.identity, attendee.participant_sid), tracked);
            }
            self.rooms.insert(session, presence);
        }
        Ok(self.rooms.entry(session).or_default())
    }

    async fn write(&mut self, session: SessionId) -> Result<(), sqlx::Error> {
        self.write_stays(session, Tracked::is_due).await
    }

    async fn write_stays(&mut self, session: SessionId, is_due: impl Fn(&Tracked) -> bool) -> Result<(), sqlx::Error> {
        let Some(presence) = self.rooms.get_mut(&session) else {
            return Ok(());
        };
        let mut due: Vec<_> = presence
            .stays
            .iter_mut()
            .filter(|(_, tracked)| is_due(tracked))
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let attendees: Vec<Attendee> = due
            .iter()
            .map(|((identity, sid), tracked)| Attendee {
                identity: *identity,
                participant_sid: sid.clone(),
                user: tracked.user,
                stay: tracked.stay.clone(),
            })
            .collect();
        rows::write(&self.pool, session, &attendees).await?;
        for (_, tracked) in &mut due {
            tracked.written = Some(tracked.stay.clone());
        }
        Ok(())
    }
}

impl RoomPresence {
    fn observe(&mut self, participants: &[LiveParticipant], now: Timestamp) {
        let mut present = HashSet::new();
        for participant in participants {
            let (Ok(identity), Some(sighting)) = (participant.identity.parse(), Sighting::of(participant)) else {
                continue;
            };
            let key = (identity, participant.sid.clone());
            if let Some(tracked) = self.stays.get_mut(&key) {
                tracked.stay.see(sighting, now);
            } else if let Some(user) = self.people.get(&identity) {
                let stay = Stay::begin(sighting, now);
                self.stays.insert(key.clone(), Tracked::new(*user, stay));
            }
            present.insert(key);
        }
        for (key, tracked) in &mut self.stays {
            if !present.contains(key) {
                tracked.stay.miss();
            }
        }
    }

    fn leave(&mut self, identity: Identity, participant_sid: String, leave: Leave, now: Timestamp) {
        let key = (identity, participant_sid);
        if let Some(tracked) = self.stays.get_mut(&key) {
            tracked.stay.leave(leave, now);
        } else if let Some(user) = self.people.get(&identity) {
            self.stays.insert(key, Tracked::new(*user, Stay::missed(leave, now)));
        } else if self.early.len() < EARLY_MAX {
            self.early.push((key.0, key.1, leave));
        }
    }
}
