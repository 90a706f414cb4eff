//! A tree that only grows, in the memory of its right edge.

use super::{EMPTY_ROOT, Hash, node_hash};

/// The perfect subtrees that a tree of this size is made of, from the largest to the smallest: one for each bit of the size.
/// Enough to add leaves and to know the root at any moment, in at most 64 hashes: whoever walks a whole log, however long,
/// computes its root at every size on the way.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// A tree without leaves.
    pub const fn new() -> Self {
        Self {
            size: 0,
            nodes: Vec::new(),
        }
    }

    /// The same tree as another process left it. `None` if the number of nodes does not go with the size.
    pub fn from_nodes(size: u64, nodes: Vec<Hash>) -> Option<Self> {
        let is_whole = usize::try_from(size.count_ones()).is_ok_and(|count| count == nodes.len());
        is_whole.then_some(Self { size, nodes })
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// From the largest subtree to the smallest.
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Adds the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each bit that is set at the end of the size is a subtree that is completed by this leaf.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        let smaller_first = self.nodes.iter().rev().copied();
        smaller_first
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or(EMPTY_ROOT)
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}
