//! What was signed before, and whether the log still bears it out: before anything new is signed.

use event_log::Head;
use sqlx::PgPool;
use tracing::warn;

use super::handle::Shared;
use super::reader::{self, Trouble};
use super::{Alarm, NotaryLimits, SignedCheckpoint, patrol, store};
use crate::note::Checkpoint;
use crate::tree::{Hash, Range, TileWriter, root_of, tiles_for};

/// The place of what this process, or the one before it, signed last.
pub(super) const LAST: &str = "that was signed last";

/// A checkpoint of ours that somebody has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Remembered {
    /// Where it was found, for people: `in the notary's file`.
    pub(crate) place: String,
    pub(crate) checkpoint: Checkpoint,
}

/// Where the notary goes on.
pub(super) struct Foundation {
    pub(super) writer: TileWriter,
    pub(super) at: Head,
    /// The newest checkpoint in the database: whoever stores a newer one has come between.
    pub(super) fence: u64,
}

/// What a checkpoint that was found is beside the log.
pub(super) enum Comparison {
    Same,
    Contradicts(Alarm),
    /// The stored tree does not reach so far, or has a hole there.
    NotYet,
}

/// Takes up the tree where it was left, and takes it to everything that was signed: each must be of this very log. One that is
/// not is held against it from now on.
pub(super) async fn establish(notary: &Shared, remembered: &[Remembered]) -> Result<Foundation, Trouble> {
    let pool = &notary.deps.pool;
    let end = notary.deps.log.head().await?.position;
    let stored = store::find_latest(pool).await?;
    for known in remembered {
        if let Err(alarm) = reaches(end, known.checkpoint.size, &known.place) {
            return Err(notary.hold_against(known, alarm).into());
        }
    }
    if let Some(stored) = &stored {
        // Also if another node has signed it.
        reaches(end, stored.size, "in the database")?;
    }
    let mut sorted: Vec<&Remembered> = remembered.iter().collect();
    sorted.sort_by_key(|known| known.checkpoint.size);
    let mut foundation = resume(pool, stored.as_ref()).await?;
    if !foundation.bears_out(notary, &sorted).await? {
        warn!("the notary's tree in the database is not the log's: it is made again from the log");
        foundation = Foundation::anew(foundation.fence);
        if !foundation.bears_out(notary, &sorted).await? {
            return Err(Trouble::Unsettled);
        }
    }
    // Also if there is nothing new: is the last event still the one that was signed?
    let at = reader::leaves(pool, foundation.at, foundation.at.position, |_, _| {}).await;
    match at {
        Ok(_) => Ok(foundation),
        Err(Trouble::Alarm(alarm)) => Err(precisely(notary, alarm, foundation.signed()).await?.into()),
        Err(trouble) => Err(trouble),
    }
}

/// Holds the log against one more checkpoint that was found.
pub(super) async fn compare(notary: &Shared, known: &Remembered) -> Result<Comparison, Trouble> {
    let (size, pool) = (known.checkpoint.size, &notary.deps.pool);
    if let Err(alarm) = reaches(notary.deps.log.head().await?.position, size, &known.place) {
        return Ok(Comparison::Contradicts(alarm));
    }
    match stored_root(pool, size).await? {
        None => Ok(Comparison::NotYet),
        Some(root) if root == known.checkpoint.root => Ok(Comparison::Same),
        Some(_) => {
            let found = name_it(notary, known, 0).await?;
            Ok(found.map_or(Comparison::Same, Comparison::Contradicts))
        }
    }
}

fn reaches(end: u64, size: u64, place: &str) -> Result<(), Alarm> {
    if size > end {
        return Err(Alarm::Shrunk {
            end,
            size,
            place: place.to_owned(),
        });
    }
    Ok(())
}

async fn resume(pool: &PgPool, stored: Option<&SignedCheckpoint>) -> Result<Foundation, Trouble> {
    let fence = stored.map_or(0, |stored| stored.size);
    let Some(stored) = stored else {
        return Ok(Foundation::anew(fence));
    };
    let edge = TileWriter::edge_of(stored.size).into_iter().collect();
    let tiles = store::find_tiles(pool, &edge).await?;
    let writer = TileWriter::resume(stored.size, &tiles).filter(|writer| writer.root() == stored.root);
    if writer.is_none() {
        warn!("the notary's tree is not whole in the database: it is made again from the log");
    }
    Ok(writer.map_or_else(
        || Foundation::anew(fence),
        |writer| Foundation {
            writer,
            at: stored.head(),
            fence,
        },
    ))
}

impl Foundation {
    fn anew(fence: u64) -> Self {
        Self {
            writer: TileWriter::new(),
            at: Head::EMPTY,
            fence,
        }
    }

    /// The tree as it is.
    pub(super) fn signed(&self) -> (u64, Hash) {
        (self.writer.size(), self.writer.root())
    }

    /// Goes on to each of these, the smallest first. `false` if it is not the log that contradicts one, but the stored tree.
    async fn bears_out(&mut self, notary: &Shared, sorted: &[&Remembered]) -> Result<bool, Trouble> {
        let pool = &notary.deps.pool;
        let mut agreed = 0;
        for known in sorted {
            let size = known.checkpoint.size;
            self.catch_up(pool, size, &notary.settings.limits).await?;
            let root = if self.writer.size() == size {
                Some(self.writer.root())
            } else {
                stored_root(pool, size).await?
            };
            if root != Some(known.checkpoint.root) {
                let after = if agreed < size { agreed } else { 0 };
                return match name_it(notary, known, after).await? {
                    Some(alarm) => Err(notary.hold_against(known, alarm).into()),
                    None => Ok(false),
                };
            }
            agreed = size;
        }
        Ok(true)
    }

    /// Reads the log up to `size`, unless that is behind. What was read is stored, and not signed.
    async fn catch_up(&mut self, pool: &PgPool, size: u64, limits: &NotaryLimits) -> Result<(), Trouble> {
        while self.at.position < size {
            let up_to = size.min(self.at.position + limits.stretch);
            let writer = &mut self.writer;
            self.at = reader::leaves(pool, self.at, up_to, |_, leaf| writer.push(leaf)).await?;
            if !store::save(pool, self.fence, &self.writer.take_changed(), None).await? {
                return Err(Trouble::Overtaken);
            }
        }
        Ok(())
    }
}

/// `None` if a tile that it is made of is not there.
async fn stored_root(pool: &PgPool, size: u64) -> Result<Option<Hash>, Trouble> {
    let whole = Range { from: 0, to: size };
    let tiles = store::find_tiles(pool, &tiles_for(&[whole])).await?;
    Ok(root_of(size, &tiles))
}

/// Where the log is not that of this checkpoint: the first event that is not as it was, if the tree of before is there to
/// tell; otherwise between which checkpoints it is.
async fn name_it(notary: &Shared, known: &Remembered, after: u64) -> Result<Option<Alarm>, Trouble> {
    let Checkpoint { size, root, .. } = known.checkpoint;
    let found = patrol::first_difference(&notary.deps.pool, &notary.verifier(), (size, root), &known.place).await?;
    Ok(found.map(|alarm| match alarm {
        // A checkpoint that somebody signed in between is no word for the log as it was.
        Alarm::Forked { .. } => Alarm::Forked {
            after,
            size,
            place: known.place.clone(),
        },
        alarm => alarm,
    }))
}

/// The first event that differs from what was signed, where one that was looked at does.
pub(super) async fn precisely(notary: &Shared, alarm: Alarm, (size, root): (u64, Hash)) -> Result<Alarm, Trouble> {
    let end = notary.deps.log.head().await?.position;
    if end < size {
        return Ok(Alarm::Shrunk {
            end,
            size,
            place: LAST.to_owned(),
        });
    }
    let found = patrol::first_difference(&notary.deps.pool, &notary.verifier(), (size, root), LAST).await?;
    Ok(found.unwrap_or(alarm))
}
