//! Reads the log as it is stored, and makes sure that it is one log.

use event_log::chain::link_leaf;
use event_log::stretches::{RawEvent, stretch};
use event_log::{Head, ReadError};
use sqlx::PgPool;
use thiserror::Error;

use super::{Alarm, StoreError};
use crate::tree::Hash;

#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// The log is not what it was.
    #[error(transparent)]
    Alarm(#[from] Alarm),
    #[error("read the log")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the notary's own file")]
    Memory(#[from] std::io::Error),
    /// Another notary is at work.
    #[error("another process signs checkpoints of this log")]
    Overtaken,
    #[error("the log changed while it was read")]
    Unsettled,
}

/// Hands on the leaves of the events after `at` and up to `up_to`, which the log has reached. What is at `at` is looked at
/// again.
pub(super) async fn leaves(
    pool: &PgPool,
    at: Head,
    up_to: u64,
    mut take: impl FnMut(&RawEvent<'_>, Hash) + Send,
) -> Result<Head, Trouble> {
    let mut walk = Walk {
        at: Head {
            position: at.position.saturating_sub(1),
            ..Head::EMPTY
        },
        known: at,
    };
    let mut alarm = None;
    let after = walk.at.position;
    stretch(pool, (after, up_to), |event| {
        if alarm.is_none() {
            match walk.step(event) {
                Ok(Some(leaf)) => take(event, leaf),
                Ok(None) => {}
                Err(found) => alarm = Some(found),
            }
        }
    })
    .await?;
    match alarm {
        Some(alarm) => Err(alarm.into()),
        None if walk.at.position < up_to => Err(Alarm::Missing {
            position: walk.at.position + 1,
        }
        .into()),
        None => Ok(walk.at),
    }
}

struct Walk {
    at: Head,
    /// What was seen last time.
    known: Head,
}

impl Walk {
    /// `None` for an event that was seen before.
    fn step(&mut self, event: &RawEvent<'_>) -> Result<Option<Hash>, Alarm> {
        let position = self.at.position + 1;
        if event.leaf.position != position {
            return Err(Alarm::Missing { position });
        }
        if position == self.known.position {
            if event.hash != self.known.hash {
                return Err(Alarm::Changed { position });
            }
            self.at = self.known;
            return Ok(None);
        }
        let leaf = event.leaf.hash();
        if link_leaf(&self.at.hash, &leaf) != event.hash {
            return Err(Alarm::Broken { position });
        }
        self.at = Head {
            position,
            hash: event.hash,
        };
        Ok(Some(leaf))
    }
}
