//! Recomputes the hash chain over the stored text, in several stretches at once.
//!
//! A stretch begins with the stored hash of the event before it, which its neighbour verifies: so the chain is whole if
//! every stretch is.

use std::pin::pin;

use futures::StreamExt as _;
use sqlx::PgPool;
use thiserror::Error;

use crate::postgres::copy::{RawEvent, stretch};
use crate::postgres::read;
use crate::{Head, ReadError, chain, ranges};

/// Long enough that beginning one costs nothing, short enough that none runs into its time limit.
const STRETCH: u64 = 50_000;

/// What a walk over the whole log found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Verified {
        events: u64,
        head: Head,
    },
    /// The first position that is not as it was recorded.
    Broken {
        position: u64,
        reason: String,
    },
}

#[derive(Debug, Error)]
#[error("read the log after position {after}")]
pub struct VerifyError {
    after: u64,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Walks the log from its first event to the last at the time of the call. Finds any later edit, gap or insertion; not a
/// lost tail, which leaves no trace in the log itself: compare `head` with one kept elsewhere.
pub async fn verify_chain(pool: &PgPool) -> Result<Verdict, VerifyError> {
    verify_stretches(pool, STRETCH).await
}

pub(crate) async fn verify_stretches(pool: &PgPool, length: u64) -> Result<Verdict, VerifyError> {
    let last = last_position(pool).await.map_err(|source| failed(0, source))?;
    let shared = pool.clone();
    let stretches = ranges::in_order((0, last, length), move |range| verify(shared.clone(), range));
    let mut stretches = pin!(stretches);
    let mut head = Head::EMPTY;
    while let Some(verified) = stretches.next().await {
        let panicked = || failed(head.position, "a part of the verification panicked");
        match verified.unwrap_or_else(|| Err(panicked()))? {
            Ok(reached) => head = reached,
            Err(Flaw { position, reason }) => return Ok(Verdict::Broken { position, reason }),
        }
    }
    Ok(Verdict::Verified {
        events: head.position,
        head,
    })
}

/// The first thing that is wrong in a stretch.
struct Flaw {
    position: u64,
    reason: String,
}

async fn verify(pool: PgPool, (after, up_to): (u64, u64)) -> Result<Result<Head, Flaw>, VerifyError> {
    let stored = stored_hash(&pool, after)
        .await
        .map_err(|source| failed(after, source))?;
    // If it is missing, the stretch before says so, and its word counts.
    let mut head = Head {
        position: after,
        hash: stored.unwrap_or_default(),
    };
    let mut flaw = None;
    let read = stretch(&pool, (after, up_to), |event| {
        if flaw.is_none() {
            match next(head, event) {
                Ok(verified) => head = verified,
                Err(reason) => flaw = Some(reason),
            }
        }
    });
    read.await.map_err(|source| failed(after, source))?;
    if flaw.is_none() && head.position < up_to {
        let goes_on = following(&pool, head.position).await;
        flaw = Some(missing(goes_on.map_err(|source| failed(after, source))?));
    }
    let position = head.position + 1;
    Ok(match flaw {
        Some(reason) => Err(Flaw { position, reason }),
        None => Ok(head),
    })
}

fn next(head: Head, event: &RawEvent<'_>) -> Result<Head, String> {
    let position = head.position + 1;
    let leaf = &event.leaf;
    if leaf.position != position {
        return Err(missing(leaf.position));
    }
    let hash = chain::link(&head.hash, leaf);
    if hash != event.hash {
        return Err(format!(
            "{} {} of {}-{} is not what was recorded",
            leaf.event_type, leaf.sequence, leaf.aggregate_type, leaf.aggregate_id
        ));
    }
    Ok(Head { position, hash })
}

fn missing(goes_on_at: u64) -> String {
    format!("missing: the log goes on at {goes_on_at}")
}

fn failed(after: u64, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> VerifyError {
    VerifyError {
        after,
        source: source.into(),
    }
}

async fn last_position(pool: &PgPool) -> Result<u64, ReadError> {
    Ok(read::head(pool).await?.position)
}

async fn stored_hash(pool: &PgPool, position: u64) -> Result<Option<[u8; 32]>, ReadError> {
    if position == 0 {
        return Ok(None);
    }
    let found = read::all(pool, position - 1, 1).await?;
    let same = found.first().filter(|event| event.position == position);
    Ok(same.map(|event| event.hash))
}

/// The position of the first event after one that is not the last.
async fn following(pool: &PgPool, position: u64) -> Result<u64, ReadError> {
    let found = read::all(pool, position, 1).await?;
    Ok(found.first().map_or(position, |event| event.position))
}
