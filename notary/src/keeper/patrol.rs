//! A patrol: along the whole log, growing the chain and the tree anew on the way.
//!
//! Invariants:
//! - What it computes follows from the events alone. Of the notary's tables nothing has to be believed: at kept checkpoints, so
//!   many of each step, and at the end, the root has to be the one that was signed.
//! - A stored leaf that is not the event's is no alarm by itself: the leaf may be damaged. Only if what was signed next is not
//!   what the events make, or the chain breaks, it tells which event was changed.
//! - A stored tile that is not the computed one is remembered, and may be stored again once a signature has borne out what
//!   the computed one is made of.

use std::collections::{BTreeMap, BTreeSet};

use event_log::Head;
use event_log::chain::link_leaf;
use event_log::stretches::{RawEvent, stretch};
use sqlx::PgPool;

use super::reader::Trouble;
use super::{Alarm, store};
use crate::note::{Checkpoint, VerifierKey};
use crate::tree::{
    Hash, NodeSource as _, TILE_HEIGHT, TILE_WIDTH, Tile, TileId, TileWriter, Tiles, inclusion_ranges, prove,
    tiles_for, verify_inclusion,
};

/// Events that are gone along at once: 200 tiles.
const STRETCH: u64 = 51_200;
/// Kept checkpoints that are compared in one step, the first of it: where more are kept, the others are passed over.
const CHECKPOINTS: u32 = 64;
/// Tiles that are remembered to be stored again: 8 MiB. What is lost beyond that is left to the next patrol.
const LOST_MAX: usize = 1_024;

/// How far it has come.
pub(super) struct Patrol {
    at: Head,
    tree: TileWriter,
    /// The size of the last signed checkpoint that was this tree's.
    agreed: u64,
    /// The first event behind that of which the stored leaf is another one.
    doubted: Option<u64>,
    lost: BTreeMap<TileId, Lost>,
}

/// A tile that is not stored as it should be, computed from the first `size` events.
struct Lost {
    hashes: Vec<Hash>,
    size: u64,
}

impl Patrol {
    pub(super) fn new() -> Self {
        Self {
            at: Head::EMPTY,
            tree: TileWriter::new(),
            agreed: 0,
            doubted: None,
            lost: BTreeMap::new(),
        }
    }

    pub(super) const fn position(&self) -> u64 {
        self.at.position
    }

    /// Goes on to the event at `to`, which is notarised.
    pub(super) async fn walk(&mut self, pool: &PgPool, key: &VerifierKey, to: u64) -> Result<(), Trouble> {
        while self.at.position < to {
            let up_to = to.min(self.at.position + STRETCH);
            self.step(pool, key, up_to).await?;
        }
        Ok(())
    }

    /// What was signed of so many events as it has passed.
    pub(super) fn compare(&mut self, root: Hash, place: &str) -> Result<(), Alarm> {
        let size = self.at.position;
        if self.tree.root() != root {
            return Err(self.first_of(Alarm::Forked {
                after: self.agreed,
                size,
                place: place.to_owned(),
            }));
        }
        // The events are borne out, so it was the leaf that was damaged.
        self.doubted = None;
        self.agreed = size;
        Ok(())
    }

    /// Something is wrong with the log, at this event or, as the stored leaves tell, before it.
    fn first_of(&self, alarm: Alarm) -> Alarm {
        self.doubted.map_or(alarm, |position| Alarm::Changed { position })
    }

    /// Looks at the tiles that are not full, too: at the end of the log.
    pub(super) async fn look_at_edge(&mut self, pool: &PgPool) -> Result<(), Trouble> {
        let unfinished = self.tree.unfinished();
        self.look_for(pool, unfinished).await
    }

    /// Tiles that have to be stored again, and that a signature has borne out.
    pub(super) fn take_borne_out(&mut self) -> Vec<Tile> {
        let agreed = self.agreed;
        let borne_out = self.lost.extract_if(.., |_, lost| lost.size <= agreed);
        borne_out.map(|(id, Lost { hashes, .. })| Tile { id, hashes }).collect()
    }

    async fn step(&mut self, pool: &PgPool, key: &VerifierKey, up_to: u64) -> Result<(), Trouble> {
        let after = self.at.position;
        let indexes = after >> TILE_HEIGHT..=(up_to - 1) >> TILE_HEIGHT;
        let leaves: BTreeSet<TileId> = indexes.map(|index| TileId { level: 0, index }).collect();
        let leaves = store::find_tiles(pool, &leaves).await?;
        let signed = signed_behind(pool, key, after).await?;
        let mut seen = Ok(());
        stretch(pool, (after, up_to), |event| {
            if seen.is_ok() {
                seen = self.see(event, &leaves, &signed);
            }
        })
        .await?;
        seen?;
        if self.at.position < up_to {
            let position = self.at.position + 1;
            return Err(self.first_of(Alarm::Missing { position }).into());
        }
        // What is not full yet is stored by whoever makes it grow.
        let mut changed = self.tree.take_changed();
        changed.retain(|tile| tile.hashes.len() == TILE_WIDTH);
        self.look_for(pool, changed).await
    }

    fn see(&mut self, event: &RawEvent<'_>, leaves: &Tiles, signed: &BTreeMap<u64, Hash>) -> Result<(), Alarm> {
        let position = self.at.position + 1;
        if event.leaf.position != position {
            return Err(self.first_of(Alarm::Missing { position }));
        }
        let leaf = event.leaf.hash();
        if leaves.node(0, position - 1).is_some_and(|known| known != leaf) {
            self.doubted.get_or_insert(position);
        }
        if link_leaf(&self.at.hash, &leaf) != event.hash {
            return Err(self.first_of(Alarm::Broken { position }));
        }
        self.at = Head {
            position,
            hash: event.hash,
        };
        self.tree.push(leaf);
        match signed.get(&position) {
            Some(root) => self.compare(*root, "in the database"),
            None => Ok(()),
        }
    }

    async fn look_for(&mut self, pool: &PgPool, tiles: Vec<Tile>) -> Result<(), Trouble> {
        let stored = store::find_tiles(pool, &tiles.iter().map(|tile| tile.id).collect()).await?;
        for tile in tiles {
            let is_stored = stored
                .get(tile.id)
                .is_some_and(|found| found.hashes.starts_with(&tile.hashes));
            if !is_stored && self.lost.len() < LOST_MAX {
                let lost = Lost {
                    hashes: tile.hashes,
                    size: self.at.position,
                };
                self.lost.insert(tile.id, lost);
            }
        }
        Ok(())
    }
}

/// Signed roots by size, of the first checkpoints behind `after` that are kept.
async fn signed_behind(pool: &PgPool, key: &VerifierKey, after: u64) -> Result<BTreeMap<u64, Hash>, Trouble> {
    let kept = store::list(pool, after, CHECKPOINTS).await?;
    let opened = kept.iter().filter_map(|kept| Checkpoint::open(&kept.note, key).ok());
    Ok(opened
        .map(|opened| (opened.checkpoint.size, opened.checkpoint.root))
        .collect())
}

/// What is wrong with the log if its first `size` events should have this root: the first event that differs, as far as it
/// can be told.
pub(super) async fn first_difference(
    pool: &PgPool,
    key: &VerifierKey,
    (size, root): (u64, Hash),
    place: &str,
) -> Result<Option<Alarm>, Trouble> {
    let mut patrol = Patrol::new();
    let walked = patrol.walk(pool, key, size).await;
    match walked.and_then(|()| Ok(patrol.compare(root, place)?)) {
        Ok(()) => Ok(None),
        Err(Trouble::Alarm(alarm)) => Ok(Some(alarm)),
        Err(trouble) => Err(trouble),
    }
}

/// Makes sure that an alarm is over: the event it was about, and every other, is the one that was signed.
pub(super) async fn is_over(
    pool: &PgPool,
    key: &VerifierKey,
    alarm: Alarm,
    signed: (u64, Hash),
    place: &str,
) -> Result<(), Trouble> {
    if is_another(pool, alarm.position(), signed).await? {
        return Err(alarm.into());
    }
    match first_difference(pool, key, signed, place).await? {
        Some(found) => Err(found.into()),
        None => Ok(()),
    }
}

/// Whether the event at `position` is missing, or is not the one of which the stored tree proves that it was signed: a quick
/// look. `false` if it proves nothing.
async fn is_another(pool: &PgPool, position: u64, (size, root): (u64, Hash)) -> Result<bool, Trouble> {
    let Some(index) = position.checked_sub(1).filter(|index| *index < size) else {
        return Ok(false);
    };
    let mut leaf = None;
    stretch(pool, (index, position), |event| leaf = Some(event.leaf.hash())).await?;
    let Some(leaf) = leaf else {
        return Ok(true);
    };
    let ranges = inclusion_ranges(index, size);
    let mut wanted = tiles_for(&ranges);
    wanted.insert(TileId {
        level: 0,
        index: index >> TILE_HEIGHT,
    });
    let tiles = store::find_tiles(pool, &wanted).await?;
    let known = tiles.node(0, index).filter(|known| *known != leaf);
    let signed = known.zip(prove(&ranges, &tiles));
    Ok(signed.is_some_and(|(known, proof)| verify_inclusion(&known, index, size, &proof, &root).is_ok()))
}
