//! Where pages come from: the log's tail in memory, or the database for who is behind it.

use std::sync::Arc;

use domain::Timestamp;
use tokio::time::Instant;

use super::{Recorded, SubscriptionError, page};
use crate::feed::Recent;
use crate::{Capabilities, EventLog, Head, ReadError, RecordedEvent};

/// Events of a page, at least one.
pub(super) struct Page {
    pub(super) events: Vec<Arc<Recorded>>,
    pub(super) to: Head,
    /// When the first event was committed; known of the log's tail only.
    pub(super) committed_at: Option<Instant>,
    /// There is more to be read where this came from.
    pub(super) is_full: bool,
}

impl Page {
    pub(super) fn begun_at(&self) -> Option<Timestamp> {
        self.events.first().map(|event| event.recorded_at)
    }

    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.events.last().map(|event| event.recorded_at)
    }
}

/// What there is after a position.
pub(super) enum Found {
    Page(Page),
    Nothing,
    /// The database has to be asked.
    Unknown,
}

/// Looks into the tail that the log keeps in memory.
pub(super) fn recent(log: &dyn EventLog, after: u64, enough: usize) -> Found {
    match log.feed().map(|feed| feed.after(after, enough)) {
        Some(Recent::Page(page)) => Found::Page(Page {
            is_full: page.events.len() >= enough,
            events: page.events,
            to: page.to,
            committed_at: Some(page.committed_at),
        }),
        Some(Recent::Nothing) => Found::Nothing,
        Some(Recent::Elsewhere) | None => Found::Unknown,
    }
}

/// A page out of what the database holds after a position; `None` if that is nothing.
pub(super) fn stored(
    name: &str,
    after: u64,
    events: &[RecordedEvent],
    (enough, capabilities): (usize, Capabilities),
) -> Result<Option<Page>, SubscriptionError> {
    let Some(last) = events.last() else {
        return Ok(None);
    };
    Ok(Some(Page {
        events: page::decode(name, after, events, capabilities)?,
        to: Head {
            position: last.position,
            hash: last.hash,
        },
        committed_at: None,
        is_full: events.len() >= enough,
    }))
}

/// A read that was begun before its page was wanted.
pub(super) struct Ahead {
    pub(super) after: u64,
    pub(super) events: Result<Vec<RecordedEvent>, ReadError>,
}
