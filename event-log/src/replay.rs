//! The whole log, decoded, in large pages: for who begins at the first event and wants to be fast.

use std::sync::Arc;

use domain::{AnyEvent, StoredEvent, UnknownEvent};
use futures::{Stream, StreamExt as _};
use sqlx::PgPool;
use thiserror::Error;

use crate::postgres::copy::{RawEvent, stretch};
use crate::{Head, Metadata, ReadError, Recorded, ranges};

/// Events of a page. Two are read and one is applied at a time: some hundred megabytes at most.
pub const REPLAY_PAGE: u64 = 20_000;

/// Events without a hole, at least one.
#[derive(Debug)]
pub struct ReplayPage {
    pub events: Vec<Arc<Recorded>>,
    pub to: Head,
}

#[derive(Debug, Error)]
pub enum ReplayError {
    #[error("read the log")]
    Read(#[from] ReadError),
    #[error("the log has no event at position {0}")]
    Gap(u64),
    #[error("the event at position {position} does not decode")]
    Undecodable {
        position: u64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("a reader of the log panicked")]
    Panicked,
}

/// The events after a position and up to another that the log has reached, page by page.
pub fn pages(pool: &PgPool, after: u64, up_to: u64) -> impl Stream<Item = Result<ReplayPage, ReplayError>> + Send {
    let pool = pool.clone();
    let pages = ranges::in_order((after, up_to, REPLAY_PAGE), move |range| page(pool.clone(), range));
    pages.map(|page| page.unwrap_or(Err(ReplayError::Panicked)))
}

async fn page(pool: PgPool, (after, up_to): (u64, u64)) -> Result<ReplayPage, ReplayError> {
    let mut events = Vec::with_capacity(usize::try_from(up_to - after).unwrap_or(0));
    let mut to = Head {
        position: after,
        ..Head::EMPTY
    };
    let mut failure = None;
    stretch(&pool, (after, up_to), |event| {
        if failure.is_some() {
            return;
        }
        match next(to, event) {
            Ok(recorded) => {
                to = Head {
                    position: recorded.position,
                    hash: event.hash,
                };
                events.push(Arc::new(recorded));
            }
            Err(error) => failure = Some(error),
        }
    })
    .await?;
    match failure {
        Some(error) => Err(error),
        None if to.position < up_to => Err(ReplayError::Gap(to.position + 1)),
        None => Ok(ReplayPage { events, to }),
    }
}

fn next(at: Head, event: &RawEvent<'_>) -> Result<Recorded, ReplayError> {
    let position = event.leaf.position;
    if position != at.position + 1 {
        return Err(ReplayError::Gap(at.position + 1));
    }
    let undecodable = |source| ReplayError::Undecodable { position, source };
    let metadata: Metadata =
        serde_json::from_slice(event.leaf.metadata).map_err(|error| undecodable(Box::new(error)))?;
    let decoded = decode(event).map_err(|error| undecodable(Box::new(error)))?;
    Ok(Recorded {
        position,
        sequence: event.leaf.sequence,
        recorded_at: event.leaf.recorded_at,
        metadata,
        event: decoded,
    })
}

fn decode(event: &RawEvent<'_>) -> Result<AnyEvent, UnknownEvent> {
    AnyEvent::read(StoredEvent {
        aggregate_type: event.leaf.aggregate_type,
        aggregate_id: event.leaf.aggregate_id,
        event_type: event.leaf.event_type,
        event_version: event.leaf.event_version,
        payload: event.leaf.payload,
    })
}
