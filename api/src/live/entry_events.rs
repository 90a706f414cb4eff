//! `GET /v1/tickets/{ticket}/entry/events`: where a ticket stands at the doors, as it changes, whole each time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::{RoomId, Ticket, TicketId, UserId};
use futures::stream;
use projections::View;
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use super::hub::Listener;
use super::note::Topic;
use super::stream::KEEP_ALIVE;
use crate::doors::{DoorBody, door_of};
use crate::error::ProblemBody;
use crate::extract::{Caller, Id};
use crate::tickets::ticket_of;
use crate::{ApiError, ApiState};

/// The line moves without an event.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The place in line with its estimate, and whether another device took over, with each change: for the holder, as
/// server-sent events named `entry`
#[utoipa::path(get, path = "/v1/tickets/{ticket}/entry/events", tag = "live", params(("ticket" = Uuid, Path)),
    security(("bearer" = [])), responses(
    (status = 200, body = DoorBody, content_type = "text/event-stream"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn follow_entry(
    State(state): State<ApiState>,
    caller: Caller,
    Id(ticket): Id<TicketId>,
) -> Result<Response, ApiError> {
    let row = ticket_of(&state, ticket, caller.user_id).await?;
    let listener = state.live.listen(Topic::Person(caller.user_id.as_uuid()), [ticket]);
    let place = Place {
        listener: listener.ok_or(ApiError::Overloaded)?,
        state,
        room: row.room_id,
        user: caller.user_id,
        ticket,
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
    room: RoomId,
    user: UserId,
    ticket: TicketId,
    told: Option<Arc<DoorBody>>,
}

/// The next news; none when the ticket has another holder, or the process stops.
async fn next(mut place: Place) -> Option<(Result<Event, Infallible>, Place)> {
    loop {
        match place.look().await {
            Ok(Some(door)) if place.told.as_deref() != Some(&door) => {
                let position = place.state.projections.position(View::Entitlements);
                let event = Event::default().event("entry").id(position.to_string());
                let event = event.json_data(&door).ok()?;
                place.told = Some(Arc::new(door));
                return Some((Ok(event), place));
            }
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => {
                warn!(error = ?error, ticket.id = %place.ticket, "a place at the doors cannot be read");
                return None;
            }
        }
        place.wake().await?;
    }
}

impl Place {
    /// Nothing for who does not hold the ticket any more.
    async fn look(&self) -> Result<Option<DoorBody>, ApiError> {
        let look = |ticket: &Ticket| ticket.holder();
        let (holder, _) = self.state.aggregates.tickets.read(self.ticket.as_uuid(), look).await?;
        if holder.is_some_and(|holder| holder != self.user) {
            return Ok(None);
        }
        door_of(&self.state, self.room, self.user, self.ticket).await.map(Some)
    }

    /// Until there may be something new, at the latest in a second. `None` when the process stops.
    async fn wake(&mut self) -> Option<()> {
        let look = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look);
        loop {
            tokio::select! {
                () = self.listener.is_over() => return None,
                () = &mut look => return Some(()),
                note = self.listener.notes.recv() => match note {
                    Ok(note) if note.ticket == Some(self.ticket) => return Some(()),
                    Ok(_) => {}
                    // Too much at once: the next look finds what it came to.
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}
