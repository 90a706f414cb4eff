//! Which parts of a tree a proof is made of, and how to compute them from its perfect subtrees.

use super::{EMPTY_ROOT, Hash, node_hash};

/// The leaves from `from` and before `to`: a node of the tree, perfect or at its right edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Range {
    pub from: u64,
    pub to: u64,
}

/// Whoever holds the tree: perfect subtrees by level (0 for leaves) and index in the level.
pub trait NodeSource {
    /// `None` if it is not held.
    fn node(&self, level: u32, index: u64) -> Option<Hash>;
}

impl Range {
    /// Of how many leaves.
    const fn width(self) -> u64 {
        self.to - self.from
    }

    /// Where RFC 6962 cuts it: the left part is the largest power of two that is smaller than the whole.
    fn split(self) -> (Self, Self) {
        let half = match self.width() {
            0 | 1 => 0,
            width => 1 << (width - 1).ilog2(),
        };
        let middle = self.from + half;
        let (left, right) = (self.from..middle, middle..self.to);
        (Self::of(left), Self::of(right))
    }

    fn of(range: std::ops::Range<u64>) -> Self {
        Self {
            from: range.start,
            to: range.end,
        }
    }

    /// The perfect subtrees it is made of, from the left: `(level, index)`.
    pub fn nodes(self) -> impl Iterator<Item = (u32, u64)> {
        let mut from = self.from;
        std::iter::from_fn(move || {
            if from >= self.to {
                return None;
            }
            let largest = (self.to - from).ilog2();
            let level = if from == 0 {
                largest
            } else {
                largest.min(from.trailing_zeros())
            };
            let node = (level, from >> level);
            from += 1 << level;
            Some(node)
        })
    }

    /// Its hash. `None` if a part of it is not held.
    pub fn hash(self, source: &impl NodeSource) -> Option<Hash> {
        let parts: Option<Vec<Hash>> = self.nodes().map(|(level, index)| source.node(level, index)).collect();
        let smaller_first = parts?.into_iter().rev();
        Some(
            smaller_first
                .reduce(|right, left| node_hash(&left, &right))
                .unwrap_or(EMPTY_ROOT),
        )
    }
}

/// What proves that the leaf at `index` is in a tree of `size`, from its sibling up: empty if it is not.
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range> {
    let mut siblings = vec![];
    let mut whole = Range { from: 0, to: size };
    while index < size && whole.width() > 1 {
        let (left, right) = whole.split();
        if index < left.to {
            siblings.push(right);
            whole = left;
        } else {
            siblings.push(left);
            whole = right;
        }
    }
    siblings.reverse();
    siblings
}

/// What proves that a tree of `new` leaves begins with the tree of its first `old` ones, in the order of RFC 6962: empty if
/// they are one tree, or the old one is empty.
pub fn consistency_ranges(old: u64, new: u64) -> Vec<Range> {
    if old == 0 || old >= new {
        return vec![];
    }
    let mut parts = vec![];
    let mut whole = Range { from: 0, to: new };
    while whole.to != old {
        let (left, right) = whole.split();
        if old <= left.to {
            parts.push(right);
            whole = left;
        } else {
            parts.push(left);
            whole = right;
        }
    }
    if whole.from > 0 {
        // Whoever knows the old root cannot know this part of it.
        parts.push(whole);
    }
    parts.reverse();
    parts
}

/// The hashes of a proof. `None` if a part of the tree is not held.
pub fn prove(ranges: &[Range], source: &impl NodeSource) -> Option<Vec<Hash>> {
    ranges.iter().map(|range| range.hash(source)).collect()
}

/// The root of the tree of the first `size` leaves.
pub fn root_of(size: u64, source: &impl NodeSource) -> Option<Hash> {
    Range { from: 0, to: size }.hash(source)
}
