//! Against the published vectors of RFC 6962 implementations, and against another implementation.

use proptest::prelude::*;
use tlog_tiles::tlog;

use super::*;

/// The leaves that implementations of RFC 6962 have tested each other with since the first of them.
const LEAVES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[
        0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
    ],
];

/// The roots of the trees of the first one, two, … of these leaves.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// `(index, size, proof)`
const INCLUSIONS: [(u64, u64, &[&str]); 4] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        3,
        &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    ),
];

/// `(old size, new size, proof)`
const CONSISTENCIES: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// A whole tree in memory, by its definition.
struct Leaves(Vec<Hash>);

impl NodeSource for Leaves {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let from = usize::try_from(index << level).ok()?;
        let leaves = self.0.get(from..from + (1 << level))?;
        Some(by_definition(leaves))
    }
}

/// RFC 6962, section 2.1, word for word.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&by_definition(left), &by_definition(right))
        }
    }
}

fn hash(hex: &str) -> Hash {
    let byte = |nth: usize| u8::from_str_radix(&hex[2 * nth..2 * nth + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().map(|hex| hash(hex)).collect()
}

fn published() -> Leaves {
    Leaves(LEAVES.iter().map(|leaf| leaf_hash(leaf)).collect())
}

fn numbered(count: u64) -> Leaves {
    Leaves((0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect())
}

fn grown(leaves: &Leaves) -> (TileWriter, Tiles) {
    let (mut writer, mut tiles) = (TileWriter::new(), Tiles::default());
    for leaf in &leaves.0 {
        writer.push(*leaf);
    }
    writer.take_changed().into_iter().for_each(|tile| tiles.insert(tile));
    (writer, tiles)
}

/// Stored hashes as the other implementation reads them.
impl tlog::HashReader for Leaves {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let node = |index: &u64| {
            let (level, nth) = tlog::split_stored_hash_index(*index);
            tlog::Hash(self.node(level.into(), nth).unwrap())
        };
        Ok(indexes.iter().map(node).collect())
    }
}

#[test]
fn roots_are_the_published_ones() {
    assert_eq!(Frontier::new().root(), EMPTY_ROOT);
    let mut frontier = Frontier::new();
    for (leaf, root) in published().0.into_iter().zip(ROOTS) {
        frontier.push(leaf);
        assert_eq!(frontier.root(), hash(root), "of {} leaves", frontier.size());
        assert_eq!(root_of(frontier.size(), &published()), Some(hash(root)));
    }
}

#[test]
fn proofs_are_the_published_ones() {
    let tree = published();
    for (index, size, proof) in INCLUSIONS {
        let made = prove(&inclusion_ranges(index, size), &tree).unwrap();
        assert_eq!(made, hashes(proof), "leaf {index} of {size}");
    }
    for (old, new, proof) in CONSISTENCIES {
        let made = prove(&consistency_ranges(old, new), &tree).unwrap();
        assert_eq!(made, hashes(proof), "{old} in {new}");
    }
}

#[test]
fn every_proof_of_a_small_tree_holds_and_is_what_another_implementation_makes() {
    for size in 1..=40 {
        let tree = numbered(size);
        let root = by_definition(&tree.0);
        assert_eq!(tlog::tree_hash(size, &tree).unwrap().0, root);
        for index in 0..size {
            let leaf = tree.0[usize::try_from(index).unwrap()];
            let proof = prove(&inclusion_ranges(index, size), &tree).unwrap();
            verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
            let theirs = tlog::prove_record(size, index, &tree).unwrap();
            assert_eq!(proof, theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
        }
        for old in 0..=size {
            let old_root = by_definition(&tree.0[..usize::try_from(old).unwrap()]);
            let proof = prove(&consistency_ranges(old, size), &tree).unwrap();
            verify_consistency((old, &old_root), (size, &root), &proof).unwrap();
            if old > 0 {
                let theirs = tlog::prove_tree(size, old, &tree).unwrap();
                assert_eq!(proof, theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn a_proof_that_was_tampered_with_proves_nothing() {
    let tree = numbered(37);
    let root = by_definition(&tree.0);
    let (index, leaf) = (21, tree.0[21]);
    let proof = prove(&inclusion_ranges(index, 37), &tree).unwrap();
    for nth in 0..proof.len() {
        let mut other = proof.clone();
        other[nth][7] ^= 1;
        assert_eq!(
            verify_inclusion(&leaf, index, 37, &other, &root),
            Err(ProofError::OtherRoot)
        );
        other.remove(nth);
        assert!(verify_inclusion(&leaf, index, 37, &other, &root).is_err());
    }
    assert!(verify_inclusion(&leaf, index + 1, 37, &proof, &root).is_err());
    assert!(verify_inclusion(&tree.0[22], index, 37, &proof, &root).is_err());
    let not_there = ProofError::NotInTree { index: 37, size: 37 };
    assert_eq!(verify_inclusion(&leaf, 37, 37, &proof, &root), Err(not_there));
    let longer = [&proof[..], &[root]].concat();
    assert_eq!(
        verify_inclusion(&leaf, index, 37, &longer, &root),
        Err(ProofError::WrongLength { found: longer.len() })
    );
}

#[test]
fn a_tree_that_was_rewritten_is_not_consistent_with_what_it_was() {
    let tree = numbered(50);
    let mut rewritten = numbered(80);
    rewritten.0[13][0] ^= 1;
    let (old_root, new_root) = (by_definition(&tree.0), by_definition(&rewritten.0));
    let proof = prove(&consistency_ranges(50, 80), &rewritten).unwrap();
    let verified = verify_consistency((50, &old_root), (80, &new_root), &proof);
    assert_eq!(verified, Err(ProofError::OtherOldRoot));
    let shrunk = verify_consistency((80, &new_root), (50, &old_root), &[]);
    assert_eq!(shrunk, Err(ProofError::Shrunk { old: 80, new: 50 }));
    let same_size = verify_consistency((50, &old_root), (50, &new_root), &[]);
    assert_eq!(same_size, Err(ProofError::OtherRoot));
}

#[test]
fn tiles_answer_for_every_tree_they_have_grown_through() {
    // Through a full tile of the second level.
    let tree = numbered(256 * 256 + 300);
    let (writer, tiles) = grown(&tree);
    assert_eq!(writer.root(), by_definition(&tree.0));
    for size in [1, 255, 256, 257, 512, 65_536, 65_836] {
        let whole = by_definition(&tree.0[..usize::try_from(size).unwrap()]);
        assert_eq!(root_of(size, &tiles), Some(whole), "the root at {size}");
        for index in [0, size / 3, size - 1] {
            let ranges = inclusion_ranges(index, size);
            let wanted: Tiles = tiles_for(&ranges).into_iter().filter_map(|id| tiles.get(id)).collect();
            let proof = prove(&ranges, &wanted).unwrap();
            let leaf = tree.0[usize::try_from(index).unwrap()];
            verify_inclusion(&leaf, index, size, &proof, &whole).unwrap();
        }
    }
    assert_eq!(root_of(65_837, &tiles), None, "it has not grown so far");
}

#[test]
fn a_tree_goes_on_from_its_stored_tiles() {
    let tree = numbered(66_000);
    for size in [0_u64, 256, 300, 65_536, 65_792] {
        let (before, after) = tree.0.split_at(usize::try_from(size).unwrap());
        let (_, stored) = grown(&Leaves(before.to_vec()));
        let edge = TileWriter::edge_of(size)
            .into_iter()
            .filter_map(|id| stored.get(id))
            .collect();
        let mut writer = TileWriter::resume(size, &edge).unwrap();
        assert_eq!(writer.root(), by_definition(before));
        assert_eq!(writer.take_changed(), [], "what is stored is not stored again");
        for leaf in after {
            writer.push(*leaf);
        }
        assert_eq!(writer.root(), by_definition(&tree.0));
        let mut tiles = stored.clone();
        writer.take_changed().into_iter().for_each(|tile| tiles.insert(tile));
        assert_eq!(root_of(66_000, &tiles), Some(writer.root()));
    }
    assert!(TileWriter::resume(300, &Tiles::default()).is_none());
}

#[test]
fn tiles_are_where_the_specification_has_them() {
    let id = |level, index| TileId { level, index };
    assert_eq!(id(0, 1_234_067).path(None), "tile/0/x001/x234/067");
    assert_eq!(id(1, 0).path(Some(17)), "tile/1/000.p/17");
    assert_eq!(id(63, 999).path(None), "tile/63/999");
    for (tile, partial) in [
        (id(0, 1_234_067), None),
        (id(7, 0), Some(255)),
        (id(1, 1_000), Some(17)),
    ] {
        let parsed = TileId::parse(&tile.path(partial));
        assert_eq!(parsed, Some((tile, partial.unwrap_or(TILE_WIDTH))));
    }
    for path in [
        "",
        "tile/0",
        "tile/0/",
        "tile/8/000",
        "tile/-1/000",
        "tile/00/000",
        "tile/0/0",
        "tile/0/1000",
        "tile/0/001/000",
        "tile/0/x000/000",
        "tile/0/xx1/000",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1.p/1",
        "tile/entries/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(TileId::parse(path), None, "{path}");
    }
    // Its example: a tree of 70,000 has 273 full tiles of leaves, and partial ones of 112, 17 and 1.
    let (_, tiles) = grown(&numbered(70_000));
    let widths = [(0, 272, 256), (0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)];
    for (level, index, width) in widths {
        let tile = tiles.get(id(level, index)).unwrap();
        assert_eq!(tile.hashes.len(), width, "tile {level}/{index}");
    }
    assert!(tiles.get(id(0, 274)).is_none());
}

#[test]
fn a_frontier_is_its_nodes() {
    let mut frontier = Frontier::new();
    frontier.extend(numbered(11).0);
    let again = Frontier::from_nodes(frontier.size(), frontier.nodes().to_vec());
    assert_eq!(again, Some(frontier.clone()));
    assert_eq!(Frontier::from_nodes(12, frontier.nodes().to_vec()), None);
}

proptest! {
    #[test]
    fn trees_of_any_size_agree_with_their_definition(size in 1_u64..700, a in any::<u64>(), b in any::<u64>()) {
        let tree = numbered(size);
        let (writer, tiles) = grown(&tree);
        let root = by_definition(&tree.0);
        prop_assert_eq!(writer.root(), root);
        prop_assert_eq!(writer.frontier().root(), root);
        let (index, old) = (a % size, b % (size + 1));
        let inclusion = prove(&inclusion_ranges(index, size), &tiles).unwrap();
        verify_inclusion(&tree.0[usize::try_from(index).unwrap()], index, size, &inclusion, &root).unwrap();
        let old_root = root_of(old, &tiles).unwrap();
        let consistency = prove(&consistency_ranges(old, size), &tiles).unwrap();
        verify_consistency((old, &old_root), (size, &root), &consistency).unwrap();
    }

    #[test]
    fn what_is_no_proof_is_refused_whatever_it_is(
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        index: u64, size: u64, old: u64, leaf: [u8; 32], root: [u8; 32],
    ) {
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root).is_err());
        prop_assert!(verify_consistency((old, &leaf), (size, &root), &proof).is_err());
    }
}

#[test]
fn a_tile_is_as_wide_as_the_tree_makes_it() {
    let width = |level, index, size| TileId { level, index }.width_of(size);
    assert_eq!(
        [0, 1, 255, 256, 257].map(|size| width(0, 0, size)),
        [0, 1, 255, 256, 256]
    );
    assert_eq!([256, 257, 600].map(|size| width(0, 1, size)), [0, 1, 256]);
    assert_eq!(
        [255, 256, 65_535, 65_536].map(|size| width(1, 0, size)),
        [0, 1, 255, 256]
    );
    assert_eq!(width(0, u64::MAX, u64::MAX), 0);
    assert_eq!(width(7, 0, u64::MAX), 255);
}
