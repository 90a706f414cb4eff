//! One activation.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use domain::room::CO_HOSTS_MAX;
use domain::{SessionId, Timestamp};
use event_log::Clock;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt};
use tracing::{error, info, warn};

use super::plan::{self, Step};
use crate::identity::{room_name, session_of};
use crate::leading::{Handover, Leads};
use crate::presence::PresenceRecorder;
use crate::shared::{Hint, Shared};
use crate::{DesiredRoom, Entitlements, LiveParticipant, LiveRoom, MediaError, MediaServer, Permission};

/// Each call's outcome is unknown after this, and the next activation finds out.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// A room that is not done by then goes on in the next activation, so that it holds up the others no longer.
const ROOM_TIMEOUT: Duration = Duration::from_secs(4);
const READ_TIMEOUT: Duration = Duration::from_secs(5);
const ROOMS_AT_ONCE: usize = 8;
const STEPS_AT_ONCE: usize = 8;
const MAX_STEPS_PER_ROOM: usize = 500;
/// Recorders, which nobody sees. The media server does not count those that say what they are.
const RECORDERS_MAX: u32 = 2;

#[derive(Clone)]
pub(crate) struct Deps {
    pub(crate) media: Arc<dyn MediaServer>,
    pub(crate) entitlements: Arc<dyn Entitlements>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shared: Arc<Shared>,
    /// The listeners that one media server is sure to carry in a room.
    pub(crate) listeners_max: u32,
}

pub(crate) struct Reconciler {
    deps: Deps,
    pub(super) presence: PresenceRecorder,
    leads: Leads,
    handovers: Vec<Handover>,
}

/// What an activation found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    pub(crate) live_rooms: usize,
    /// Everything is as it should be, as far as could be seen.
    pub(crate) complete: bool,
}

/// Who was in a room, and when that was.
struct Observed {
    /// The media server's name of the room.
    media_sid: String,
    participants: Vec<LiveParticipant>,
    at: Timestamp,
}

impl Reconciler {
    pub(crate) fn new(deps: Deps, presence: PresenceRecorder) -> Self {
        Self {
            deps,
            presence,
            leads: Leads::default(),
            handovers: Vec::new(),
        }
    }

    /// Who should lead instead, as of the last activation.
    pub(crate) fn take_handovers(&mut self) -> Vec<Handover> {
        std::mem::take(&mut self.handovers)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.deps.shared
    }

    /// Reads both sides and closes the gap. Without the wish or the media server's answer nothing is touched.
    pub(crate) async fn activate(&mut self) -> Outcome {
        let incomplete = |live_rooms| Outcome {
            live_rooms,
            complete: false,
        };
        let serving = self.deps.shared.requests();
        let desired = match tokio::time::timeout(READ_TIMEOUT, self.deps.entitlements.live_rooms()).await {
            Ok(Ok(rooms)) => rooms,
            Ok(Err(error)) => {
                warn!(error = &error as &dyn std::error::Error, "live rooms cannot be read");
                return incomplete(0);
            }
            Err(_) => {
                warn!("live rooms cannot be read in time");
                return incomplete(0);
            }
        };
        let existing = match call(self.deps.media.list_rooms()).await {
            Ok(rooms) => rooms,
            Err(error) => {
                self.deps.shared.set_unavailable(&error);
                let unseen: Vec<SessionId> = desired.iter().map(|room| room.session_id).collect();
                self.note_failure(&unseen).await;
                return incomplete(desired.len());
            }
        };
        let wanted: HashSet<SessionId> = desired.iter().map(|room| room.session_id).collect();
        let rooms: HashMap<&str, &LiveRoom> = existing.iter().map(|room| (room.name.as_str(), room)).collect();
        self.deps
            .shared
            .set_available(|session| wanted.contains(&session) && rooms.contains_key(&*room_name(session)));

        let rooms_complete = self.reconcile_rooms(&desired, &rooms, serving).await;
        let deleted_all = self.delete_unwanted(&existing, &wanted).await;
        self.leads.keep_only(&wanted);
        if let Err(error) = self.presence.keep_only(&wanted).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "presence of ended rooms cannot be written"
            );
        }
        Outcome {
            live_rooms: desired.len(),
            complete: rooms_complete && deleted_all,
        }
    }

    /// Takes in what webhooks said since. Whoever joined will be listed; only the end of a stay needs the report.
    pub(crate) async fn take_hints(&mut self, hints: Vec<Hint>) {
        for hint in hints {
            let now = self.deps.clock.now();
            let Hint {
                session,
                identity,
                participant_sid,
                leave,
            } = hint;
            let report = self
                .presence
                .report_leave(session, identity, participant_sid, leave, now);
            if let Err(error) = report.await {
                warn!(error = &error as &dyn std::error::Error, "presence cannot be written");
            }
        }
    }

    async fn reconcile_rooms(
        &mut self,
        desired: &[DesiredRoom],
        existing: &HashMap<&str, &LiveRoom>,
        serving: u64,
    ) -> bool {
        let deps = &self.deps;
        let rooms: Vec<BoxFuture<'_, _>> = desired
            .iter()
            .map(|room| {
                let known = existing.get(&*room_name(room.session_id)).copied();
                let work = tokio::time::timeout(ROOM_TIMEOUT, reconcile_room(deps, room, known, serving));
                async move { (room, work.await.unwrap_or((None, false))) }.boxed()
            })
            .collect();
        let mut rooms = stream::iter(rooms).buffer_unordered(ROOMS_AT_ONCE);
        let mut all_complete = true;
        let mut failed = Vec::new();
        while let Some((room, (observed, complete))) = rooms.next().await {
            all_complete &= complete;
            let Some(Observed {
                media_sid,
                participants,
                at,
            }) = observed
            else {
                failed.push(room.session_id);
                continue;
            };
            let Some(live_since) = room.live_since else {
                continue;
            };
            let participants = since(participants, live_since);
            self.handovers.extend(self.leads.observe(room, &participants, at));
            if let Err(error) = self.presence.observe(room, &media_sid, &participants, at).await {
                warn!(error = &error as &dyn std::error::Error, room.id = %room.room_id, "presence cannot be written");
            }
        }
        drop(rooms);
        self.note_failure(&failed).await;
        all_complete
    }

    async fn note_failure(&mut self, sessions: &[SessionId]) {
        let now = self.deps.clock.now();
        if let Err(error) = self.presence.fail(sessions, now).await {
            warn!(
                error = &error as &dyn std::error::Error,
                "an interruption cannot be written"
            );
        }
    }

    /// Deletes rooms of ours that should not be, as many as can be done in the time of one room. Rooms of others are none
    /// of our business.
    async fn delete_unwanted(&self, existing: &[LiveRoom], wanted: &HashSet<SessionId>) -> bool {
        let deletions: Vec<BoxFuture<'_, bool>> = existing
            .iter()
            .filter(|room| session_of(&room.name).is_some_and(|session| !wanted.contains(&session)))
            .map(|room| delete_room(&self.deps, &room.name).boxed())
            .collect();
        let deletions = stream::iter(deletions).buffer_unordered(ROOMS_AT_ONCE);
        let all = deletions.fold(true, |complete, done| std::future::ready(complete & done));
        tokio::time::timeout(ROOM_TIMEOUT, all).await.unwrap_or(false)
    }
}

async fn delete_room(deps: &Deps, name: &str) -> bool {
    match call(deps.media.delete_room(name)).await {
        Ok(()) => {
            metrics::counter!("boxoffice_media_steps_total", "step" => "delete_room").increment(1);
            info!(media.room = name, "deleted a room that is over");
            true
        }
        Err(MediaError::NotFound) => true,
        Err(error) => {
            report_failure(name, "delete_room", &error);
            false
        }
    }
}

/// `known` is the media server's room, if it exists.
async fn reconcile_room(
    deps: &Deps,
    room: &DesiredRoom,
    known: Option<&LiveRoom>,
    serving: u64,
) -> (Option<Observed>, bool) {
    let name = room_name(room.session_id);
    let note = known.map_or("", |known| known.note.as_str());
    let media_sid = if let Some(known) = known {
        known.sid.clone()
    } else {
        let created = match call(deps.media.create_room(&name, ceiling(deps, room))).await {
            Ok(created) => created,
            Err(error) => {
                report_failure(&name, "create_room", &error);
                return (None, false);
            }
        };
        metrics::counter!("boxoffice_media_steps_total", "step" => "create_room").increment(1);
        info!(room.id = %room.room_id, media.room = name, "created a room that should be live");
        created.sid
    };
    deps.shared.room_is_ready(room.session_id, serving);
    let participants = match call(deps.media.list_participants(&name)).await {
        Ok(participants) => participants,
        Err(error) => {
            report_failure(&name, "list_participants", &error);
            return (None, false);
        }
    };
    let at = deps.clock.now();
    let is_recorder = |person: &LiveParticipant| {
        deps.shared.expects_recorder(&person.identity) || (person.is_egress && room.recording.allowed)
    };
    let mut participants = participants;
    participants.retain(|participant| !is_recorder(participant));
    let mut complete = take_steps(deps, &name, &plan::steps(room, &participants)).await;
    complete &= set_note(deps, &name, &room.recording.note(), note).await;
    let observed = Observed {
        media_sid,
        participants,
        at,
    };
    (Some(observed), complete)
}

/// As many as the media server may let in: the second lock, should more come than tickets were sold. A room may be made
/// larger while it is live, up to what the media server carries, and its ceiling not; so all have the same. Rooms that were
/// scheduled when more was promised keep their seats. The host's side needs none.
fn ceiling(deps: &Deps, room: &DesiredRoom) -> u32 {
    let listeners = deps.listeners_max.max(room.capacity);
    let host_side = u32::try_from(CO_HOSTS_MAX).unwrap_or(0).saturating_add(1);
    listeners.saturating_add(host_side).saturating_add(RECORDERS_MAX)
}

/// Who waited in the lobby is there since the opening.
fn since(mut participants: Vec<LiveParticipant>, live_since: Timestamp) -> Vec<LiveParticipant> {
    for participant in &mut participants {
        participant.joined_at = participant.joined_at.map(|joined_at| joined_at.max(live_since));
    }
    participants
}

/// Everybody sees whether they are recorded.
async fn set_note(deps: &Deps, room: &str, wanted: &str, present: &str) -> bool {
    if wanted == present {
        return true;
    }
    match call(deps.media.set_room_note(room, wanted)).await {
        Ok(()) | Err(MediaError::NotFound) => {
            metrics::counter!("boxoffice_media_steps_total", "step" => "set_room_note").increment(1);
            true
        }
        Err(error) => {
            report_failure(room, "set_room_note", &error);
            false
        }
    }
}

/// Takes the steps: each kind after the one before it, those of one kind together.
async fn take_steps(deps: &Deps, room: &str, steps: &[Step]) -> bool {
    let mut complete = steps.len() <= MAX_STEPS_PER_ROOM;
    let steps = &steps[..steps.len().min(MAX_STEPS_PER_ROOM)];
    for kind in steps.chunk_by(|one, next| one.name() == next.name()) {
        let taken: Vec<BoxFuture<'_, bool>> = kind.iter().map(|step| take_step(deps, room, step).boxed()).collect();
        let taken: Vec<bool> = stream::iter(taken).buffer_unordered(STEPS_AT_ONCE).collect().await;
        complete &= taken.into_iter().all(|done| done);
    }
    complete
}

async fn take_step(deps: &Deps, room: &str, step: &Step) -> bool {
    let media = &deps.media;
    let identity = step.identity();
    let outcome = match step {
        Step::Remove { .. } => call(media.remove_participant(room, identity)).await,
        Step::Demote { .. } => call(media.set_permission(room, identity, Permission::Listen)).await,
        Step::Promote { .. } => call(media.set_permission(room, identity, Permission::Speak)).await,
        Step::Mark { marks, .. } => call(media.set_marks(room, identity, marks)).await,
    };
    match outcome {
        // Who is gone needs neither removal nor permission.
        Ok(()) | Err(MediaError::NotFound) => {
            metrics::counter!("boxoffice_media_steps_total", "step" => step.name()).increment(1);
            info!(media.room = room, step = step.name(), "brought a participant in line");
            true
        }
        Err(error) => {
            report_failure(room, step.name(), &error);
            false
        }
    }
}

fn report_failure(room: &str, step: &'static str, failure: &MediaError) {
    metrics::counter!("boxoffice_media_failures_total", "step" => step).increment(1);
    match failure {
        MediaError::Refused(reason) => {
            error!(media.room = room, step, reason, "the media server refuses a step");
        }
        MediaError::NotFound | MediaError::Unavailable(_) => {
            warn!(
                media.room = room,
                step,
                error = failure as &dyn std::error::Error,
                "a step failed"
            );
        }
    }
}

async fn call<T>(outcome: impl Future<Output = Result<T, MediaError>>) -> Result<T, MediaError> {
    tokio::time::timeout(CALL_TIMEOUT, outcome)
        .await
        .unwrap_or_else(|elapsed| Err(MediaError::Unavailable(Box::new(elapsed))))
}
