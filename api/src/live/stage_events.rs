//! `GET /v1/rooms/{room}/stage/events`: the stage of a room as it changes, whole each time.
//!
//! Whoever connects, for the first time or again, is told the stage as it is: so nothing can be missed. What is told of one
//! room is read once for all who follow it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::{RoomId, UserId};
use futures::stream;
use projections::View;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tracing::warn;

use super::hub::Listener;
use super::note::{Topic, is_about_stage};
use super::stream::KEEP_ALIVE;
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::stage::{StageBody, find_stage, require_inside};
use crate::{ApiError, ApiState};

/// Who is there and who speaks is not on the log: it is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What was read for one client is good for the others for so long, unless the log says otherwise.
const FRESH_FOR: Duration = Duration::from_millis(500);

/// The stages that somebody follows, as read last.
#[derive(Debug, Default)]
pub(super) struct Stages(Mutex<HashMap<RoomId, Weak<AsyncMutex<Seen>>>>);

#[derive(Clone, Debug, Default)]
struct Seen {
    read_at: Option<Instant>,
    /// The position that the view showed, at least.
    position: u64,
    text: Arc<str>,
}

impl Stages {
    fn of(&self, room: RoomId) -> Arc<AsyncMutex<Seen>> {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rooms.get(&room).and_then(Weak::upgrade) {
            return known;
        }
        rooms.retain(|_, known| known.strong_count() > 0);
        let new = Arc::default();
        rooms.insert(room, Arc::downgrade(&new));
        new
    }
}

/// The stage of a room, whole with each change: for all who may be inside, as server-sent events named `stage`
#[utoipa::path(get, path = "/v1/rooms/{room}/stage/events", tag = "live", params(("room" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = StageBody, content_type = "text/event-stream"),
    (status = 403, description = "`forbidden`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn follow_stage(
    State(state): State<ApiState>,
    caller: Caller,
    Id(room): Id<RoomId>,
) -> Result<Response, ApiError> {
    require_inside(&state, room, caller.user_id).await?;
    let listener = state.live.listen(Topic::Room(room.as_uuid()), []);
    let place = Place {
        listener: listener.ok_or(ApiError::Overloaded)?,
        seen: state.live.stages().of(room),
        state,
        room,
        user: caller.user_id,
        told: None,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(stream::unfold(place, next))
        .keep_alive(keep_alive)
        .into_response())
}

/// Where a stream stands.
struct Place {
    state: ApiState,
    listener: Listener,
    seen: Arc<AsyncMutex<Seen>>,
    room: RoomId,
    user: UserId,
    told: Option<Arc<str>>,
}

/// The next stage that differs from the last one; none when the client may not be inside any more, or the process stops.
async fn next(mut place: Place) -> Option<(Result<Event, Infallible>, Place)> {
    let mut position = place.listener.since;
    loop {
        require_inside(&place.state, place.room, place.user).await.ok()?;
        match place.look(position).await {
            Ok(seen) if place.told.as_ref() != Some(&seen.text) => {
                let event = Event::default().event("stage").id(seen.position.to_string());
                let event = event.data(&*seen.text);
                place.told = Some(seen.text);
                return Some((Ok(event), place));
            }
            Ok(_) => {}
            Err(error) => {
                warn!(error = ?error, room.id = %place.room, "a stage cannot be read");
                return None;
            }
        }
        position = place.wake(position).await?;
    }
}

impl Place {
    /// The stage as it is at this position, or later.
    async fn look(&self, position: u64) -> Result<Seen, ApiError> {
        let mut seen = self.seen.lock().await;
        let is_fresh = seen.read_at.is_some_and(|read_at| read_at.elapsed() < FRESH_FOR);
        if !is_fresh || seen.position < position {
            self.state.wait_for(View::Entitlements, Some(position)).await?;
            let shown = self.state.projections.position(View::Entitlements);
            let body = find_stage(&self.state, self.room).await?.ok_or(ApiError::NotFound)?;
            let text = serde_json::to_string(&body).map_err(|error| ApiError::Internal(Box::new(error)))?;
            *seen = Seen {
                read_at: Some(Instant::now()),
                position: shown,
                text: text.into(),
            };
        }
        Ok(seen.clone())
    }

    /// Until there may be something new, at the latest in a second. `None` when the process stops.
    async fn wake(&mut self, position: u64) -> Option<u64> {
        let look = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look);
        loop {
            tokio::select! {
                () = self.listener.is_over() => return None,
                () = &mut look => return Some(position),
                note = self.listener.notes.recv() => match note {
                    Ok(note) if is_about_stage(note.kind) => return Some(note.position.max(position)),
                    Ok(_) => {}
                    // Too much at once: the next look finds what it came to.
                    Err(RecvError::Lagged(_)) => return Some(position),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}
