//! The whole log, decoded, in large pages: for who begins at the first event and wants to be fast.

use std::sync::Arc;

use domain::{AnyEvent, StoredEvent, UnknownEvent};
use futures::{Stream, StreamExt as _};
use sqlx::PgPool;
use thiserror::Error;

use crate::postgres::copy::{RawEvent, stretch, stretch_of};
use crate::{Head, Metadata, ReadError, Recorded, ranges};

/// Events of a page. Two are read and one is applied at a time: some hundred megabytes at most.
pub const REPLAY_PAGE: u64 = 20_000;

/// What a stretch of the log holds for its reader. The stretch has no hole.
#[derive(Debug)]
pub struct ReplayPage {
    pub events: Vec<Arc<Recorded>>,
    pub to: Head,
}

/// Whose events are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    Everything,
    /// Those of aggregates of these types; PostgreSQL keeps the others to itself.
    OfAggregates(&'static [&'static str]),
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
pub fn pages(
    pool: &PgPool,
    wanted: Wanted,
    after: u64,
    up_to: u64,
) -> impl Stream<Item = Result<ReplayPage, ReplayError>> + Send {
    let pool = pool.clone();
    let pages = ranges::in_order((after, up_to, REPLAY_PAGE), move |range| {
        page(pool.clone(), wanted, range)
    });
    pages.map(|page| page.unwrap_or(Err(ReplayError::Panicked)))
}

async fn page(pool: PgPool, wanted: Wanted, range: (u64, u64)) -> Result<ReplayPage, ReplayError> {
    match wanted {
        Wanted::Everything => whole_page(&pool, range).await,
        Wanted::OfAggregates(types) => match page_of(&pool, types, range).await? {
            Some(page) => Ok(page),
            // There is a hole: reading everything says where.
            None => whole_page(&pool, range).await,
        },
    }
}

async fn whole_page(pool: &PgPool, (after, up_to): (u64, u64)) -> Result<ReplayPage, ReplayError> {
    let mut page = ReplayPage::begin(after, up_to);
    let mut failure = None;
    stretch(pool, (after, up_to), |event| {
        if failure.is_some() {
            return;
        }
        let expected = page.to.position + 1;
        let taken_in = if event.leaf.position == expected {
            page.take_in(event)
        } else {
            Err(ReplayError::Gap(expected))
        };
        failure = taken_in.err();
    })
    .await?;
    match failure {
        Some(error) => Err(error),
        None if page.to.position < up_to => Err(ReplayError::Gap(page.to.position + 1)),
        None => Ok(page),
    }
}

/// `None` if the stretch has not as many events as positions.
async fn page_of(
    pool: &PgPool,
    types: &[&'static str],
    (after, up_to): (u64, u64),
) -> Result<Option<ReplayPage>, ReplayError> {
    let mut page = ReplayPage::begin(after, up_to);
    let mut failure = None;
    let events = stretch_of(pool, types, (after, up_to), |event| {
        if failure.is_none() {
            failure = page.take_in(event).err();
        }
    })
    .await?;
    match failure {
        Some(error) => Err(error),
        None => Ok((events == up_to - after && page.to.position == up_to).then_some(page)),
    }
}

impl ReplayPage {
    fn begin(after: u64, up_to: u64) -> Self {
        Self {
            events: Vec::with_capacity(usize::try_from(up_to - after).unwrap_or(0)),
            to: Head {
                position: after,
                ..Head::EMPTY
            },
        }
    }

    fn take_in(&mut self, event: &RawEvent<'_>) -> Result<(), ReplayError> {
        self.events.push(Arc::new(recorded(event)?));
        self.to = Head {
            position: event.leaf.position,
            hash: event.hash,
        };
        Ok(())
    }
}

fn recorded(event: &RawEvent<'_>) -> Result<Recorded, ReplayError> {
    let position = event.leaf.position;
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
