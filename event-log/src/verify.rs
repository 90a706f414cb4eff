//! Recomputes the hash chain over the stored text.

use std::time::Duration;

use sqlx::PgPool;
use thiserror::Error;

use crate::chain::{self, Leaf};
use crate::postgres::page;
use crate::{Head, RecordedEvent};

const PAGE: usize = 5000;
const PAGE_LIMIT: Duration = Duration::from_mins(1);

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

/// Walks the log from its first event. Finds any later edit, gap or insertion; not a lost tail, which leaves no trace
/// in the log itself: compare `head` with one kept elsewhere.
pub async fn verify_chain(pool: &PgPool) -> Result<Verdict, VerifyError> {
    let mut head = Head::EMPTY;
    loop {
        let failed = |source| VerifyError {
            after: head.position,
            source,
        };
        let events = tokio::time::timeout(PAGE_LIMIT, page(pool, head.position, PAGE))
            .await
            .map_err(|elapsed| failed(elapsed.into()))?
            .map_err(|error| failed(error.into()))?;
        let is_last = events.len() < PAGE;
        for event in &events {
            match next(head, event) {
                Ok(verified) => head = verified,
                Err(reason) => {
                    return Ok(Verdict::Broken {
                        position: head.position + 1,
                        reason,
                    });
                }
            }
        }
        if is_last {
            return Ok(Verdict::Verified {
                events: head.position,
                head,
            });
        }
    }
}

fn next(head: Head, event: &RecordedEvent) -> Result<Head, String> {
    let position = head.position + 1;
    if event.position != position {
        return Err(format!("missing: the log goes on at {}", event.position));
    }
    let hash = chain::link(&head.hash, &Leaf::from(event));
    if hash != event.hash {
        return Err(format!(
            "{} {} of {}-{} is not what was recorded",
            event.event_type, event.sequence, event.aggregate_type, event.aggregate_id
        ));
    }
    Ok(Head { position, hash })
}
