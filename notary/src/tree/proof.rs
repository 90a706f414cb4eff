//! Checking proofs, after RFC 9162, sections 2.1.3.2 and 2.1.4.2. A proof comes from somebody whom nobody has to believe.

use thiserror::Error;

use super::{EMPTY_ROOT, Hash, node_hash};

/// Why a proof proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ProofError {
    #[error("the tree of {size} leaves has none at index {index}")]
    NotInTree { index: u64, size: u64 },
    #[error("a tree of {new} leaves cannot begin with {old}")]
    Shrunk { old: u64, new: u64 },
    /// It has another number of hashes than one about these sizes.
    #[error("the proof has {found} hashes, which is not what a proof about these sizes has")]
    WrongLength { found: usize },
    #[error("the proof does not lead to the root")]
    OtherRoot,
    /// The proof leads to another tree than the old one.
    #[error("the proof does not lead to the old root")]
    OtherOldRoot,
}

/// Whether the tree of `size` leaves with this root has `leaf` at `index`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NotInTree { index, size });
    }
    let wrong_length = ProofError::WrongLength { found: proof.len() };
    let mut place = Place {
        node: index,
        last: size - 1,
    };
    let mut hash = *leaf;
    for sibling in proof {
        if place.is_root() {
            return Err(wrong_length);
        }
        if place.has_left_sibling() {
            hash = node_hash(sibling, &hash);
            place.skip_lonely();
        } else {
            hash = node_hash(&hash, sibling);
        }
        place.ascend();
    }
    if !place.is_root() {
        return Err(wrong_length);
    }
    if hash == *root {
        Ok(())
    } else {
        Err(ProofError::OtherRoot)
    }
}

/// Whether the tree of `new_size` leaves begins with the tree of `old_size` leaves. Every tree begins with the empty one.
pub fn verify_consistency(
    (old_size, old_root): (u64, &Hash),
    (new_size, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let wrong_length = ProofError::WrongLength { found: proof.len() };
    if old_size > new_size {
        return Err(ProofError::Shrunk {
            old: old_size,
            new: new_size,
        });
    }
    if old_size == new_size || old_size == 0 {
        if !proof.is_empty() {
            return Err(wrong_length);
        }
        return same_or_empty((old_size, old_root), (new_size, new_root));
    }
    let mut place = Place {
        node: old_size - 1,
        last: new_size - 1,
    };
    place.skip_right_children();
    // The old tree is a whole subtree of the new one: then it is the first part of the proof itself.
    let begins_with_old = old_size.is_power_of_two();
    let mut parts = std::iter::once(old_root).filter(|_| begins_with_old).chain(proof);
    let first = parts.next().ok_or(wrong_length)?;
    let (mut old, mut new) = (*first, *first);
    for part in parts {
        if place.is_root() {
            return Err(wrong_length);
        }
        if place.has_left_sibling() {
            old = node_hash(part, &old);
            new = node_hash(part, &new);
            place.skip_lonely();
        } else {
            new = node_hash(&new, part);
        }
        place.ascend();
    }
    if !place.is_root() {
        return Err(wrong_length);
    }
    if old != *old_root {
        return Err(ProofError::OtherOldRoot);
    }
    if new != *new_root {
        return Err(ProofError::OtherRoot);
    }
    Ok(())
}

fn same_or_empty((old_size, old_root): (u64, &Hash), (new_size, new_root): (u64, &Hash)) -> Result<(), ProofError> {
    if old_size == 0 && *old_root != EMPTY_ROOT {
        return Err(ProofError::OtherOldRoot);
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::OtherRoot);
    }
    Ok(())
}

/// A node on the way up to the root, and the last node of its level.
struct Place {
    node: u64,
    last: u64,
}

impl Place {
    const fn is_root(&self) -> bool {
        self.last == 0
    }

    /// Its sibling is on the left: it is a right child, or at the right edge, where the next sibling is further up.
    const fn has_left_sibling(&self) -> bool {
        self.node & 1 == 1 || self.node == self.last
    }

    /// At the right edge a node may be alone on several levels.
    const fn skip_lonely(&mut self) {
        while self.node & 1 == 0 && self.node != 0 {
            self.ascend();
        }
    }

    const fn skip_right_children(&mut self) {
        while self.node & 1 == 1 {
            self.ascend();
        }
    }

    const fn ascend(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}
