//! How far the copy goes, and whether the other log still holds all of it.

use tracing::debug;

use super::copier::{Copier, Stop, stream};
use super::origin::{self, origin};
use crate::postgres::Fork;
use crate::{EventLog as _, Head, RecordedEvent};

/// Events that are read of either log at once.
pub(super) const PAGE: usize = 1000;

/// The last event that both hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reached {
    /// As the other log counts.
    pub(super) at: Head,
    /// The event before it, as the other log counts, or `at` itself if that is not known. Reading goes on behind it, and so
    /// sees `at` again.
    before: u64,
    /// As the copy counts.
    pub(super) place: u64,
}

impl Reached {
    const NOTHING: Self = Self {
        at: Head::EMPTY,
        before: 0,
        place: 0,
    };

    pub(super) fn advance(&mut self, event: &RecordedEvent, place: u64) {
        *self = Self {
            at: head(event),
            before: self.at.position,
            place,
        };
    }
}

/// What comes next in the other log.
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    /// Whether there may be more.
    pub(super) is_full: bool,
}

impl Copier {
    /// Compares what the copy holds after its origin with the other log, event by event. Nothing may be appended to a copy
    /// that holds something else, or more.
    pub(super) async fn resume(&self) -> Result<Reached, Stop> {
        let pool = self.copy.pool();
        origin::begin(pool).await?;
        let begun = origin(pool).await?.ok_or(Stop::OwnLog)?;
        let mut reached = self.found(begun).await?;
        self.places.begin(reached.at.position);
        loop {
            let there = self.source.read_all(reached.at.position, PAGE).await?;
            let here = self.copy.read_all(reached.place, PAGE).await?;
            for (there, here) in there.iter().zip(&here) {
                if !is_same(there, here) {
                    return Err(Stop::Forked(Fork {
                        seen: head(here),
                        found: Some(there.hash),
                    }));
                }
                reached.advance(there, here.position);
                self.places.put(there.position, here.position);
            }
            if let Some(more) = here.get(there.len()) {
                return Err(Stop::Missing(Fork {
                    seen: head(more),
                    found: None,
                }));
            }
            if here.len() < PAGE {
                debug!(log.position = reached.place, "the copy is one of this log");
                return Ok(reached);
            }
        }
    }

    /// Where in the copy the event lies that was copied last, as far as that was written down. A copy that has lost it is
    /// compared from its beginning on.
    async fn found(&self, at: Head) -> Result<Reached, Stop> {
        if at.position == 0 {
            return Ok(Reached::NOTHING);
        }
        let event = self.held(at).await?;
        let here = self.copy.read_stream(&stream(&event)?, event.sequence - 1, 1).await?;
        match here.first() {
            Some(here) if is_same(&event, here) => Ok(Reached {
                at,
                before: at.position,
                place: here.position,
            }),
            Some(other) => Err(Stop::Forked(Fork {
                seen: at,
                found: Some(other.hash),
            })),
            None => Ok(Reached::NOTHING),
        }
    }

    /// Whether everything is there again that an earlier process saw of the copy.
    pub(super) async fn is_whole(&self) -> Result<(), Stop> {
        let seen = self.copy.witnessed();
        if seen.position == 0 {
            return Ok(());
        }
        let found = self.copy.read_at(&[seen.position]).await?;
        as_seen(seen, found.into_iter().next()).map(drop)
    }

    /// This event, if the other log holds it.
    async fn held(&self, seen: Head) -> Result<RecordedEvent, Stop> {
        let found = self.source.read_at(&[seen.position]).await?;
        as_seen(seen, found.into_iter().next())
    }

    /// Reads on, and makes sure that the other log still holds what was copied last: an engine may be set back while it is
    /// followed.
    pub(super) async fn read_on(&self, reached: &Reached) -> Result<Page, Stop> {
        let mut events = self.source.read_all(reached.before, PAGE).await?;
        let is_full = events.len() == PAGE;
        if reached.before < reached.at.position {
            as_seen(reached.at, events.drain(..events.len().min(1)).next())?;
        } else if reached.at.position > 0 && !events.is_empty() {
            self.held(reached.at).await?;
        }
        Ok(Page { events, is_full })
    }
}

fn head(event: &RecordedEvent) -> Head {
    Head {
        position: event.position,
        hash: event.hash,
    }
}

fn as_seen(seen: Head, found: Option<RecordedEvent>) -> Result<RecordedEvent, Stop> {
    match found {
        Some(event) if head(&event) == seen => Ok(event),
        Some(other) => Err(Stop::Forked(Fork {
            seen,
            found: Some(other.hash),
        })),
        None => Err(Stop::Missing(Fork { seen, found: None })),
    }
}

/// Wherever it lies. Its time is that of the event before it, if that is later.
fn is_same(there: &RecordedEvent, here: &RecordedEvent) -> bool {
    (&there.aggregate_type, &there.aggregate_id, there.sequence)
        == (&here.aggregate_type, &here.aggregate_id, here.sequence)
        && (&there.event_type, &there.event_version) == (&here.event_type, &here.event_version)
        && (&there.payload, &there.metadata) == (&here.payload, &here.metadata)
}
