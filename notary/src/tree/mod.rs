//! The Merkle tree of RFC 6962 (the same in RFC 9162): how it is hashed, grown, cut into tiles, and proved. Pure.

mod frontier;
mod proof;
mod range;
#[cfg(test)]
mod tests;
mod tiles;
mod writer;

use sha2::{Digest as _, Sha256};

pub use frontier::Frontier;
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use range::{NodeSource, Range, consistency_ranges, inclusion_ranges, prove, root_of};
pub use tiles::{TILE_HEIGHT, TILE_WIDTH, Tile, TileId, Tiles, tiles_for};
pub use writer::TileWriter;

/// SHA-256.
pub type Hash = [u8; 32];

/// The root of a tree without leaves: the hash of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

const LEAF: [u8; 1] = [0x00];
const NODE: [u8; 1] = [0x01];

/// `SHA256(0x00 ‖ entry)`
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF).chain_update(entry).finalize().into()
}

/// `SHA256(0x01 ‖ left ‖ right)`
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update(NODE)
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}
