//! One client's stream: what it missed, then what happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::HeaderMap;
use http::request::Parts;
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;
use uuid::Uuid;

use super::hub::Listener;
use super::note::Note;
use crate::ApiError;

/// Who was away for longer is told to read everything anew.
const HISTORY_MAX: u64 = 10_000;
/// A comment so often keeps the connection, which else would be closed as idle.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The last message that the client has seen: a log position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastEventId(Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(&parts.headers).map(Self)
    }
}

fn parse(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    let invalid = || ApiError::invalid("/headers/Last-Event-ID", "must be the id of a message: a log position");
    position.map(Some).ok_or_else(invalid)
}

/// What a message carries: the kind of the event, and what it is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveChange)]
pub(crate) struct ChangeBody {
    /// The event's type, such as `seat_held` or `room_revised`.
    r#type: &'static str,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    /// To its holder alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<Uuid>,
}

/// Where a stream stands.
struct Place {
    listener: Listener,
    backlog: VecDeque<Event>,
    /// Read from the log, and told, up to here.
    read_to: u64,
    names_tickets: bool,
}

/// The stream of a listener, from after the last message that the client has seen.
pub(super) fn respond(listener: Listener, last: LastEventId, names_tickets: bool) -> Response {
    let since = listener.since;
    let mut backlog = VecDeque::new();
    let read_to = match last.0 {
        Some(position) if position < since && since - position <= HISTORY_MAX => position,
        Some(position) if position < since => {
            backlog.push_back(message("reset", since));
            since
        }
        Some(_) | None => {
            backlog.push_back(message("ready", since));
            since
        }
    };
    let place = Place {
        listener,
        backlog,
        read_to,
        names_tickets,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Sse::new(stream::unfold(place, next))
        .keep_alive(keep_alive)
        .into_response()
}

/// The next message; none when the client is too slow, the log cannot be read, or the process stops: then it comes back.
async fn next(mut place: Place) -> Option<(Result<Event, Infallible>, Place)> {
    loop {
        if let Some(event) = place.backlog.pop_front() {
            return Some((Ok(event), place));
        }
        if place.read_to < place.listener.since {
            place.read_history().await?;
            continue;
        }
        let note = tokio::select! {
            () = place.listener.is_over() => return None,
            note = place.listener.notes.recv() => note.ok()?,
        };
        if note.position > place.read_to {
            let event = place.event(&note)?;
            place.backlog.push_back(event);
        }
    }
}

impl Place {
    async fn read_history(&mut self) -> Option<()> {
        let (notes, reached) = match self.listener.before(self.read_to).await {
            Ok(page) => page,
            Err(reason) => {
                warn!(
                    error = &*reason as &dyn std::error::Error,
                    "a live stream cannot read its history"
                );
                return None;
            }
        };
        for note in &notes {
            let event = self.event(note)?;
            self.backlog.push_back(event);
        }
        // Positions have no holes: what is not there cannot be waited for here.
        if reached <= self.read_to {
            return None;
        }
        self.read_to = reached;
        Some(())
    }

    fn event(&self, note: &Note) -> Option<Event> {
        let body = ChangeBody {
            r#type: note.kind,
            position: note.position,
            room_id: note.room.map(|room| room.as_uuid()),
            ticket_id: note
                .ticket
                .filter(|_| self.names_tickets)
                .map(|ticket| ticket.as_uuid()),
        };
        let event = Event::default().event("change").id(note.position.to_string());
        event.json_data(body).ok()
    }
}

fn message(kind: &str, position: u64) -> Event {
    Event::default().event(kind).id(position.to_string()).data("{}")
}
