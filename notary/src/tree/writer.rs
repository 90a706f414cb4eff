//! A tree that grows, cut into tiles as it does.

use super::{Frontier, Hash, NodeSource as _, Range, TILE_HEIGHT, TILE_WIDTH, Tile, TileId, Tiles, tiles_for};

/// The right edge of a tree, and the tiles that were completed since they were last asked for.
#[derive(Clone, Default, Debug)]
pub struct TileWriter {
    frontier: Frontier,
    /// The last tile of each level.
    edge: Vec<Edge>,
    full: Vec<Tile>,
}

/// A tile as far as it goes: never full.
#[derive(Clone, Default, Debug)]
struct Edge {
    hashes: Vec<Hash>,
    is_stored: bool,
}

impl TileWriter {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with a tree of `size` leaves out of its stored tiles. `None` if one that it takes is not there.
    pub fn resume(size: u64, tiles: &Tiles) -> Option<Self> {
        let nodes = Range { from: 0, to: size }.nodes();
        let nodes: Option<Vec<Hash>> = nodes.map(|(level, index)| tiles.node(level, index)).collect();
        let mut edge = vec![];
        for level in levels(size) {
            let tile = last_tile(level, size);
            let first = tile.index << TILE_HEIGHT;
            let hashes = (first..above(size, level)).map(|index| tiles.node(level * TILE_HEIGHT, index));
            edge.push(Edge {
                hashes: hashes.collect::<Option<_>>()?,
                is_stored: true,
            });
        }
        Some(Self {
            frontier: Frontier::from_nodes(size, nodes?)?,
            edge,
            full: vec![],
        })
    }

    /// The tiles of a tree of `size` leaves that [`Self::resume`] takes. One that would be empty is not stored anywhere.
    pub fn edge_of(size: u64) -> Vec<TileId> {
        let mut tiles = tiles_for(&[Range { from: 0, to: size }]);
        tiles.extend(levels(size).map(|level| last_tile(level, size)));
        tiles.into_iter().collect()
    }

    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Adds the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let index = self.frontier.size();
        self.frontier.push(leaf);
        let mut hash = leaf;
        for level in 0.. {
            let place = usize::try_from(level).unwrap_or(usize::MAX);
            if self.edge.len() <= place {
                self.edge.push(Edge::default());
            }
            let tile = &mut self.edge[place];
            tile.hashes.push(hash);
            tile.is_stored = false;
            if tile.hashes.len() < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(&mut tile.hashes);
            let mut whole = Frontier::new();
            whole.extend(hashes.iter().copied());
            hash = whole.root();
            let id = last_tile(level, index);
            self.full.push(Tile { id, hashes });
        }
    }

    /// What has to be stored for the tree as it is now: the tiles that were completed or grew since the last call.
    pub fn take_changed(&mut self) -> Vec<Tile> {
        let mut changed = std::mem::take(&mut self.full);
        let size = self.size();
        for (level, edge) in (0_u32..).zip(&mut self.edge) {
            if !std::mem::replace(&mut edge.is_stored, true) && !edge.hashes.is_empty() {
                changed.push(Tile {
                    id: last_tile(level, size),
                    hashes: edge.hashes.clone(),
                });
            }
        }
        changed
    }

    /// The tiles that are not full, as far as they go.
    pub fn unfinished(&self) -> Vec<Tile> {
        let edge = (0_u32..).zip(&self.edge).filter(|(_, edge)| !edge.hashes.is_empty());
        let tiles = edge.map(|(level, edge)| Tile {
            id: last_tile(level, self.size()),
            hashes: edge.hashes.clone(),
        });
        tiles.collect()
    }
}

/// The levels of tiles that a tree of this size has, from the leaves up.
fn levels(size: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS / TILE_HEIGHT).take_while(move |level| above(size, *level) > 0)
}

/// The tile in which the hash of level `level` above the leaf at `index` is.
fn last_tile(level: u32, index: u64) -> TileId {
    TileId {
        level,
        index: above(index, level + 1),
    }
}

/// How many whole tiles lie so many levels above `leaves`.
fn above(leaves: u64, levels: u32) -> u64 {
    leaves.checked_shr(TILE_HEIGHT * levels).unwrap_or(0)
}
