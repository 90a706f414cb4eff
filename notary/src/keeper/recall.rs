//! What was signed before, and whether the log still bears it out: before anything new is signed.

use event_log::{EventLog, Head};
use sqlx::PgPool;
use tracing::warn;

use super::reader::{self, Trouble};
use super::{Alarm, NotaryLimits, SignedCheckpoint, store};
use crate::note::Checkpoint;
use crate::tree::{Hash, Range, TileWriter, root_of, tiles_for};

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

/// Takes up the tree where it was left, and takes it to everything that was signed: each must be of this very log.
pub(super) async fn establish(
    log: &dyn EventLog,
    pool: &PgPool,
    remembered: &[Remembered],
    limits: &NotaryLimits,
) -> Result<Foundation, Trouble> {
    let end = log.head().await?.position;
    let stored = store::find_latest(pool).await?;
    for known in remembered {
        reaches(end, known.checkpoint.size, &known.place)?;
    }
    if let Some(stored) = &stored {
        // Also if another node has signed it.
        reaches(end, stored.size, "in the database")?;
    }
    let mut foundation = resume(pool, stored.as_ref()).await?;
    let mut agreed = 0;
    let mut sorted: Vec<&Remembered> = remembered.iter().collect();
    sorted.sort_by_key(|known| known.checkpoint.size);
    for known in sorted {
        let size = known.checkpoint.size;
        foundation.catch_up(pool, size, limits).await?;
        if root_at(pool, &foundation, size).await? != known.checkpoint.root {
            let after = if agreed < size { agreed } else { 0 };
            return Err(name_it(pool, known, after).await?.into());
        }
        agreed = size;
    }
    // Also if there is nothing new: is the last event still the one that was signed?
    let at = reader::leaves(pool, foundation.at, foundation.at.position, |_, _| {}).await;
    match at {
        Ok(_) => Ok(foundation),
        Err(Trouble::Alarm(alarm)) => Err(precisely(log, pool, alarm, foundation.at.position).await?.into()),
        Err(trouble) => Err(trouble),
    }
}

/// What is wrong with the log if one more checkpoint that was found is right. One that the tree has not reached yet is left
/// to the next look.
pub(super) async fn contradiction(
    log: &dyn EventLog,
    pool: &PgPool,
    known: &Remembered,
) -> Result<Option<Alarm>, Trouble> {
    let (size, place) = (known.checkpoint.size, known.place.as_str());
    if let Err(alarm) = reaches(log.head().await?.position, size, place) {
        return Ok(Some(alarm));
    }
    let whole = Range { from: 0, to: size };
    let tiles = store::find_tiles(pool, &tiles_for(&[whole])).await?;
    let is_same = root_of(size, &tiles).is_none_or(|root| root == known.checkpoint.root);
    if is_same {
        Ok(None)
    } else {
        name_it(pool, known, 0).await.map(Some)
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
    let anew = Foundation {
        writer: TileWriter::new(),
        at: Head::EMPTY,
        fence,
    };
    let Some(stored) = stored else {
        return Ok(anew);
    };
    let edge = TileWriter::edge_of(stored.size).into_iter().collect();
    let tiles = store::find_tiles(pool, &edge).await?;
    let writer = TileWriter::resume(stored.size, &tiles).filter(|writer| writer.root() == stored.root);
    if writer.is_none() {
        warn!("the notary's tree is not whole in the database: it is made again from the log");
    }
    Ok(writer.map_or(anew, |writer| Foundation {
        writer,
        at: stored.head(),
        fence,
    }))
}

impl Foundation {
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

async fn root_at(pool: &PgPool, foundation: &Foundation, size: u64) -> Result<Hash, Trouble> {
    if foundation.writer.size() == size {
        return Ok(foundation.writer.root());
    }
    let whole = Range { from: 0, to: size };
    let tiles = store::find_tiles(pool, &tiles_for(&[whole])).await?;
    // A tile that is not there is no root of anything that was signed.
    Ok(root_of(size, &tiles).unwrap_or_default())
}

/// The first event that is not as it was, if the tree of before is there to tell; otherwise between which checkpoints it is.
async fn name_it(pool: &PgPool, known: &Remembered, after: u64) -> Result<Alarm, Trouble> {
    let size = known.checkpoint.size;
    let found = reader::first_difference(pool, after, size).await?;
    Ok(found.unwrap_or_else(|| Alarm::Forked {
        after,
        size,
        place: known.place.clone(),
    }))
}

/// The first event that differs, where one that was looked at does.
pub(super) async fn precisely(log: &dyn EventLog, pool: &PgPool, alarm: Alarm, size: u64) -> Result<Alarm, Trouble> {
    let end = log.head().await?.position;
    if end < size {
        return Ok(Alarm::Shrunk {
            end,
            size,
            place: "that was signed last".to_owned(),
        });
    }
    Ok(reader::first_difference(pool, 0, size).await?.unwrap_or(alarm))
}
