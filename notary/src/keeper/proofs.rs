//! Proofs for whoever asks, out of the stored tree. Each is checked here before it leaves.

use std::time::Duration;

use thiserror::Error;

use super::handle::Notary;
use super::{SignedCheckpoint, StoreError, store};
use crate::tree::{
    Hash, NodeSource as _, ProofError, Range, Tile, TileId, consistency_ranges, inclusion_ranges, prove, root_of,
    tiles_for, verify_consistency, verify_inclusion,
};

/// How often a checkpoint that is about to come is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// That an event is in the log of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inclusion {
    pub position: u64,
    pub leaf: Hash,
    pub proof: Vec<Hash>,
    pub checkpoint: SignedCheckpoint,
}

/// That a log begins with a shorter one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consistency {
    pub old_size: u64,
    pub old_root: Hash,
    pub new_size: u64,
    pub new_root: Hash,
    pub proof: Vec<Hash>,
}

#[derive(Debug, Error)]
pub enum ProveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No checkpoint reaches so far yet.
    #[error("the newest checkpoint is of {size} events")]
    NotYet { size: u64 },
    #[error("no checkpoint of {size} events is kept")]
    NoCheckpoint { size: u64 },
    /// What is stored does not lead to the root that was signed.
    #[error("the stored tree does not bear out its checkpoint")]
    Damaged(#[source] ProofError),
    #[error("a part of the tree is missing")]
    Missing,
}

impl Notary {
    /// The newest checkpoint that has the event at `position`; waits a limited time for one that is about to be signed.
    pub async fn covering(&self, position: u64, limit: Duration) -> Result<SignedCheckpoint, ProveError> {
        let look = async {
            loop {
                let latest = self.latest().await?;
                match latest {
                    Some(latest) if latest.size >= position => return Ok(latest),
                    _ => tokio::time::sleep(LOOK_INTERVAL).await,
                }
            }
        };
        match tokio::time::timeout(limit, look).await {
            Ok(found) => found,
            Err(_) => Err(ProveError::NotYet {
                size: self.latest().await?.map_or(0, |latest| latest.size),
            }),
        }
    }

    /// The checkpoint of exactly this size, or the newest.
    pub async fn checkpoint(&self, size: Option<u64>) -> Result<SignedCheckpoint, ProveError> {
        let found = match size {
            Some(size) => store::find(&self.shared.deps.pool, size).await?,
            None => self.latest().await?,
        };
        found.ok_or(ProveError::NoCheckpoint {
            size: size.unwrap_or(0),
        })
    }

    /// Proves that the event at `position` is in the log of `checkpoint`.
    pub async fn inclusion(&self, position: u64, checkpoint: SignedCheckpoint) -> Result<Inclusion, ProveError> {
        let size = checkpoint.size;
        let index = position.checked_sub(1).filter(|index| *index < size);
        let index = index.ok_or(ProveError::NotYet { size })?;
        let ranges = inclusion_ranges(index, size);
        let mut wanted = tiles_for(&ranges);
        wanted.insert(TileId {
            level: 0,
            index: index >> crate::tree::TILE_HEIGHT,
        });
        let tiles = store::find_tiles(&self.shared.deps.pool, &wanted).await?;
        let leaf = tiles.node(0, index).ok_or(ProveError::Missing)?;
        let proof = prove(&ranges, &tiles).ok_or(ProveError::Missing)?;
        verify_inclusion(&leaf, index, size, &proof, &checkpoint.root).map_err(ProveError::Damaged)?;
        Ok(Inclusion {
            position,
            leaf,
            proof,
            checkpoint,
        })
    }

    /// A tile of the tree, as far as it is notarised. What is stored beyond the newest checkpoint nobody has signed.
    pub async fn tile(&self, id: TileId) -> Result<Option<Tile>, StoreError> {
        let size = self.latest().await?.map_or(0, |latest| latest.size);
        let tiles = store::find_tiles(&self.shared.deps.pool, &[id].into()).await?;
        let signed = tiles.get(id).map(|mut tile| {
            tile.hashes.truncate(id.width_of(size));
            tile
        });
        Ok(signed.filter(|tile| !tile.hashes.is_empty()))
    }

    /// Proves that the log of its first `new` events begins with that of the first `old`. No more than are notarised.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Consistency, ProveError> {
        let size = self.latest().await?.map_or(0, |latest| latest.size);
        if old > new || new > size {
            return Err(ProveError::NotYet { size });
        }
        let ranges = consistency_ranges(old, new);
        let whole = [old, new].map(|to| Range { from: 0, to });
        let wanted = tiles_for(&[&ranges[..], &whole].concat());
        let tiles = store::find_tiles(&self.shared.deps.pool, &wanted).await?;
        let root = |size| root_of(size, &tiles).ok_or(ProveError::Missing);
        let (old_root, new_root) = (root(old)?, root(new)?);
        let proof = prove(&ranges, &tiles).ok_or(ProveError::Missing)?;
        verify_consistency((old, &old_root), (new, &new_root), &proof).map_err(ProveError::Damaged)?;
        Ok(Consistency {
            old_size: old,
            old_root,
            new_size: new,
            new_root,
            proof,
        })
    }
}
