//! The tree as C2SP `tlog-tiles` stores it: in tiles of 256 hashes, eight levels of the tree apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Frontier, Hash, NodeSource, Range};

/// Levels of the tree in one tile.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes of a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Levels of tiles: more than 2^64 events.
const LEVELS_MAX: u32 = 8;

/// Which tile: its level, counted in tiles, and its index in the level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    pub level: u32,
    pub index: u64,
}

/// Hashes of a tile, from its first one on: at most [`TILE_WIDTH`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    pub id: TileId,
    pub hashes: Vec<Hash>,
}

impl TileId {
    /// The tile that holds a perfect subtree, or from which it is computed.
    const fn of_node(level: u32, index: u64) -> Self {
        Self {
            level: level / TILE_HEIGHT,
            index: index >> (TILE_HEIGHT - level % TILE_HEIGHT),
        }
    }

    /// How many hashes it has in a tree of `size` leaves.
    pub fn width_of(self, size: u64) -> usize {
        let at_level = size.checked_shr(TILE_HEIGHT * self.level).unwrap_or(0);
        let before = self.index.saturating_mul(1 << TILE_HEIGHT);
        usize::try_from(at_level.saturating_sub(before)).map_or(TILE_WIDTH, |width| width.min(TILE_WIDTH))
    }

    /// Where `tlog-tiles` has it, as a full tile (`None`) or one of so many hashes: `tile/0/x001/x234/067.p/8`.
    pub fn path(self, partial: Option<usize>) -> String {
        let mut groups = vec![];
        let mut rest = self.index;
        loop {
            groups.push(rest % 1000);
            rest /= 1000;
            if rest == 0 {
                break;
            }
        }
        let mut path = format!("tile/{}", self.level);
        while let Some(group) = groups.pop() {
            let more = if groups.is_empty() { "" } else { "x" };
            let _whole = write!(path, "/{more}{group:03}");
        }
        if let Some(width) = partial {
            let _whole = write!(path, ".p/{width}");
        }
        path
    }

    /// Which tile is at a path of `tlog-tiles`, and how many hashes of it are asked for; `None` unless it is written as
    /// [`TileId::path`] does.
    pub fn parse(path: &str) -> Option<(Self, usize)> {
        let (tile, partial) = match path.split_once(".p/") {
            Some((tile, width)) => (tile, Some(width.parse().ok()?)),
            None => (path, None),
        };
        let (level, groups) = tile.strip_prefix("tile/")?.split_once('/')?;
        let level = level.parse().ok().filter(|level| *level < LEVELS_MAX)?;
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let group: u64 = group.trim_start_matches('x').parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(group)?;
        }
        let id = Self { level, index };
        let is_width = partial.is_none_or(|width| (1..TILE_WIDTH).contains(&width));
        (is_width && id.path(partial) == path).then_some((id, partial.unwrap_or(TILE_WIDTH)))
    }
}

/// Every tile that these parts of a tree are computed from.
pub fn tiles_for(ranges: &[Range]) -> BTreeSet<TileId> {
    let nodes = ranges.iter().flat_map(|range| range.nodes());
    nodes.map(|(level, index)| TileId::of_node(level, index)).collect()
}

/// Tiles in memory. They answer for every perfect subtree that they hold the parts of.
#[derive(Clone, Default, Debug)]
pub struct Tiles(BTreeMap<TileId, Vec<Hash>>);

impl Tiles {
    pub fn insert(&mut self, tile: Tile) {
        self.0.insert(tile.id, tile.hashes);
    }

    pub fn get(&self, id: TileId) -> Option<Tile> {
        let hashes = self.0.get(&id)?.clone();
        Some(Tile { id, hashes })
    }
}

impl FromIterator<Tile> for Tiles {
    fn from_iter<I: IntoIterator<Item = Tile>>(tiles: I) -> Self {
        Self(tiles.into_iter().map(|tile| (tile.id, tile.hashes)).collect())
    }
}

impl NodeSource for Tiles {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let tile = TileId::of_node(level, index);
        let depth = level % TILE_HEIGHT;
        let in_tile = index - (tile.index << (TILE_HEIGHT - depth));
        let from = usize::try_from(in_tile << depth).ok()?;
        let hashes = self.0.get(&tile)?.get(from..from + (1 << depth))?;
        let mut subtree = Frontier::new();
        subtree.extend(hashes.iter().copied());
        Some(subtree.root())
    }
}
