//! Keeps the stays of live rooms, and writes what changed.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use domain::{SessionId, Timestamp, UserId};
use sqlx::PgPool;

use super::merge::{Leave, Sighting, Stay};
use crate::{DesiredRoom, Identity, LiveParticipant};

/// A stay in which nothing happens is written this often, not with every observation.
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(2);

/// The stays of every room that is live, in memory and in `media_presence`.
#[derive(Debug)]
pub(crate) struct PresenceRecorder {
    pool: PgPool,
    rooms: HashMap<SessionId, RoomPresence>,
}

#[derive(Debug, Default)]
struct RoomPresence {
    /// Who may be in the room, as of the last observation.
    people: HashMap<Identity, UserId>,
    stays: HashMap<(Identity, String), Tracked>,
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
                || written.left_at != self.stay.left_at
                || self.stay.seen_at - written.seen_at >= WRITE_EVERY)
    }
}

impl PresenceRecorder {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            rooms: HashMap::new(),
        }
    }

    /// Takes in who is in a room now. A stay begins only for people who may be there.
    pub(crate) async fn observe(
        &mut self,
        room: &DesiredRoom,
        participants: &[LiveParticipant],
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let presence = self.load(room.session_id).await?;
        presence.people = room
            .people
            .iter()
            .map(|person| (person.identity, person.user))
            .collect();
        presence.observe(participants, now);
        self.write(room.session_id).await
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
        let Some(presence) = self.rooms.get_mut(&session) else {
            return Ok(());
        };
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
        Ok(())
    }

    /// After a restart of ours, stays go on where they were written last.
    async fn load(&mut self, session: SessionId) -> Result<&mut RoomPresence, sqlx::Error> {
        if !self.rooms.contains_key(&session) {
            let rows = sqlx::query!(
                "SELECT identity, participant_sid, user_id, joined_at, seen_at, left_at, audible, audible_ms
                 FROM media_presence WHERE session_id = $1",
                session.as_uuid(),
            )
            .fetch_all(&self.pool)
            .await?;
            let mut presence = RoomPresence::default();
            for row in rows {
                let Ok(identity) = row.identity.parse() else {
                    continue;
                };
                let stay = Stay {
                    joined_at: row.joined_at,
                    seen_at: row.seen_at,
                    left_at: row.left_at,
                    audible: row.audible,
                    audible_ms: row.audible_ms,
                };
                let tracked = Tracked {
                    user: UserId::from_uuid(row.user_id),
                    written: Some(stay.clone()),
                    stay,
                };
                presence.stays.insert((identity, row.participant_sid), tracked);
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
        let identities: Vec<String> = due.iter().map(|((identity, _), _)| identity.to_string()).collect();
        let sids: Vec<String> = due.iter().map(|((_, sid), _)| sid.clone()).collect();
        let users: Vec<_> = due.iter().map(|(_, tracked)| tracked.user.as_uuid()).collect();
        let joined: Vec<_> = due.iter().map(|(_, tracked)| tracked.stay.joined_at).collect();
        let seen: Vec<_> = due.iter().map(|(_, tracked)| tracked.stay.seen_at).collect();
        let left: Vec<_> = due.iter().map(|(_, tracked)| tracked.stay.left_at).collect();
        let audible: Vec<_> = due.iter().map(|(_, tracked)| tracked.stay.audible).collect();
        let audible_ms: Vec<_> = due.iter().map(|(_, tracked)| tracked.stay.audible_ms).collect();
        sqlx::query!(
            "INSERT INTO media_presence AS stay
                 (session_id, identity, participant_sid, user_id, joined_at, seen_at, left_at, audible, audible_ms)
             SELECT $1, row.* FROM UNNEST($2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[],
                                          $7::timestamptz[], $8::boolean[], $9::bigint[]) AS row
             ON CONFLICT (session_id, identity, participant_sid) DO UPDATE
             SET seen_at = EXCLUDED.seen_at, left_at = EXCLUDED.left_at, audible = EXCLUDED.audible,
                 audible_ms = GREATEST(stay.audible_ms, EXCLUDED.audible_ms)",
            session.as_uuid(),
            &identities,
            &sids,
            &users,
            &joined,
            &seen,
            &left as &[Option<Timestamp>],
            &audible,
            &audible_ms,
        )
        .execute(&self.pool)
        .await?;
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
        }
    }
}
