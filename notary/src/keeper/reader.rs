//! Reads the log as it is stored, and makes sure that it is one log.

use std::collections::BTreeSet;

use event_log::chain::link_leaf;
use event_log::stretches::{RawEvent, stretch};
use event_log::{Head, ReadError};
use sqlx::PgPool;
use thiserror::Error;

use super::{Alarm, StoreError, store};
use crate::tree::{Hash, NodeSource as _, TILE_HEIGHT, TileId};

/// Events that are compared with the tree at once: 200 tiles.
const COMPARED: u64 = 51_200;

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

/// The first event after `from` and up to `to` that is not the one in the tree, if there is one.
pub(super) async fn first_difference(pool: &PgPool, from: u64, to: u64) -> Result<Option<Alarm>, Trouble> {
    let mut after = from;
    while after < to {
        let up_to = to.min(after + COMPARED);
        if let Some(alarm) = difference(pool, after, up_to).await? {
            return Ok(Some(alarm));
        }
        after = up_to;
    }
    Ok(None)
}

/// Makes sure that an alarm is over: the event it was about, and every other up to `size`, is the one in the tree.
pub(super) async fn is_over(pool: &PgPool, alarm: Alarm, size: u64) -> Result<(), Trouble> {
    let position = alarm.position();
    if position <= size && difference(pool, position - 1, position).await?.is_some() {
        return Err(alarm.into());
    }
    match first_difference(pool, 0, size).await? {
        Some(found) => Err(found.into()),
        None => Ok(()),
    }
}

async fn difference(pool: &PgPool, after: u64, up_to: u64) -> Result<Option<Alarm>, Trouble> {
    let indexes = after >> TILE_HEIGHT..=(up_to - 1) >> TILE_HEIGHT;
    let wanted: BTreeSet<TileId> = indexes.map(|index| TileId { level: 0, index }).collect();
    let tiles = store::find_tiles(pool, &wanted).await?;
    let (mut seen, mut alarm) = (after, None);
    let mut previous = (after == 0).then_some(Head::EMPTY.hash);
    stretch(pool, (after, up_to), |event| {
        if alarm.is_some() {
            return;
        }
        let (position, leaf) = (seen + 1, event.leaf.hash());
        let follows = |previous: Hash| link_leaf(&previous, &leaf) == event.hash;
        if event.leaf.position != position {
            alarm = Some(Alarm::Missing { position });
        } else if tiles.node(0, seen).is_some_and(|known| known != leaf) {
            alarm = Some(Alarm::Changed { position });
        } else if !previous.is_none_or(follows) {
            alarm = Some(Alarm::Broken { position });
        }
        (seen, previous) = (position, Some(event.hash));
    })
    .await?;
    let is_cut = alarm.is_none() && seen < up_to;
    Ok(alarm.or(is_cut.then_some(Alarm::Missing { position: seen + 1 })))
}
