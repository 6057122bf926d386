use std::collections::BTreeMap;
use std::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;

/// A tree kept as tiles alone, grown in steps.
#[derive(Default)]
struct Tiles {
    size: u64,
    frontier: Frontier,
    files: BTreeMap<Tile, Vec<u8>>,
    nodes: BTreeMap<(u32, u64), Hash>,
}

impl Tiles {
    fn grow(&mut self, leaves: impl Iterator<Item = Vec<u8>>) {
        for leaf in leaves {
            let completed = self.frontier.push(Hash::of_leaf(&leaf));
            self.nodes.extend(completed.map(|(level, index, hash)| ((level, index), hash)));
        }
        let new = self.frontier.size();
        for level in 0..Tile::levels(new) {
            for tile in Tile::between(level, self.size, new) {
                let hashes = tile.subtrees().flat_map(|at| self.nodes[&at].0);
                self.files.insert(tile, hashes.collect());
            }
        }
        self.size = new;
    }
}

impl Subtrees for Tiles {
    type Error = Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        let tile = Tile::holding(level, index, self.size).expect("inside the tree");
        let hash = tile.subtree(&self.files[&tile], level, index).expect("its bytes");
        assert_eq!(hash, self.nodes[&(level, index)]);
        Ok(hash)
    }
}

fn leaf(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

fn tree(size: u64) -> Tiles {
    let mut tiles = Tiles::default();
    tiles.grow((0..size).map(leaf));
    tiles
}

fn theirs(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|number| tree.push(leaf(number)));
    tree
}

fn their_root(tree: &MemoryBackedTree<Sha256, Vec<u8>>) -> Hash {
    Hash::from_slice(tree.root().as_bytes()).unwrap()
}

fn root_of(size: u64) -> Hash {
    Frontier::of(&tree(size), size).unwrap().root()
}

fn joined(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn roots_and_proofs_are_those_of_another_implementation(
        steps in prop::collection::vec(1..400_u64, 1..4),
        at in any::<prop::sample::Index>(),
        older in any::<prop::sample::Index>(),
    ) {
        let mut tiles = Tiles::default();
        for step in steps {
            tiles.grow((tiles.size..tiles.size + step).map(leaf));
        }
        let size = tiles.size;
        let other = theirs(size);
        let root = their_root(&other);
        prop_assert_eq!(tiles.frontier.root(), root);
        prop_assert_eq!(&Frontier::of(&tiles, size).unwrap(), &tiles.frontier);

        let index = at.index(usize::try_from(size).unwrap());
        let proof = inclusion(&tiles, index as u64, size).unwrap();
        let expected = other.prove_inclusion(index);
        prop_assert_eq!(joined(&proof), expected.as_bytes());
        let hash = Hash::of_leaf(&leaf(index as u64));
        prop_assert_eq!(verify_inclusion(hash, index as u64, size, &proof, root), Ok(()));

        let old = 1 + older.index(usize::try_from(size).unwrap()) as u64;
        let proof = consistency(&tiles, old, size).unwrap();
        let added = usize::try_from(size - old).unwrap();
        if added > 0 {
            let expected = other.prove_consistency(added);
            prop_assert_eq!(joined(&proof), expected.as_bytes());
        }
        prop_assert_eq!(verify_consistency(old, size, root_of(old), root, &proof), Ok(()));
    }

    /// What differs in anything from a proof that holds, holds not.
    #[test]
    fn a_changed_proof_proves_nothing(
        size in 2..300_u64,
        at in any::<prop::sample::Index>(),
        how in 0..7_u8,
        place in any::<prop::sample::Index>(),
        bit in 0..256_usize,
    ) {
        let tiles = tree(size);
        let root = tiles.frontier.root();
        let index = at.index(usize::try_from(size).unwrap()) as u64;
        let mut hash = Hash::of_leaf(&leaf(index));
        let mut proof = inclusion(&tiles, index, size).unwrap();
        let old = 1 + at.index(usize::try_from(size - 1).unwrap()) as u64;
        let mut chain = consistency(&tiles, old, size).unwrap();
        let (mut first, mut last) = (root_of(old), root);
        let flip = |hash: &mut Hash| hash.0[bit / 8] ^= 1 << (bit % 8);
        match how {
            0 => { proof.pop(); chain.pop(); }
            1 => { proof.push(root); chain.push(root); }
            2 => { proof.insert(0, hash); chain.insert(0, first); }
            3 => { flip(&mut hash); flip(&mut first); }
            4 => {
                let place = place.index(proof.len());
                flip(&mut proof[place]);
                flip(&mut last);
            }
            5 => {
                let place = place.index(chain.len());
                flip(&mut chain[place]);
                proof.remove(0);
            }
            _ => { chain.remove(0); proof.extend_from_within(..); }
        }
        prop_assert!(verify_inclusion(hash, index, size, &proof, root).is_err());
        prop_assert!(verify_consistency(old, size, first, last, &chain).is_err());
    }

    /// What a log writes on its way is what its size asks for, whenever it is stopped and
    /// resumed from its files.
    #[test]
    fn a_growing_log_writes_the_files_of_its_size(
        steps in prop::collection::vec(1..700_u64, 1..4),
    ) {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut grower = Grower::default();
        let mut reference = Tiles::default();
        for step in steps {
            let mut keep = |completed: Completed| {
                let written = completed.bundle.into_iter().chain(completed.tiles);
                files.extend(written.map(|file| (file.path, file.bytes)));
            };
            for number in grower.size()..grower.size() + step {
                keep(grower.push(leaf(number)).unwrap());
            }
            keep(grower.partial().unwrap());
            reference.grow((reference.size..reference.size + step).map(leaf));
            let size = grower.size();
            prop_assert_eq!(grower.root(), reference.frontier.root());
            for level in 0..Tile::levels(size) {
                for tile in Tile::between(level, 0, size) {
                    prop_assert_eq!(&files[&tile.to_string()], &reference.files[&tile]);
                }
            }
            let last = |width: u64| u16::try_from(width).unwrap();
            for index in 0..size.div_ceil(256) {
                let width = (size - index * 256).min(256);
                let bytes = &files[&bundle_path(index, last(width))];
                let expected: Vec<_> = (index * 256..index * 256 + width).map(leaf).collect();
                prop_assert_eq!(bundle_entries(bytes).unwrap(), expected);
            }
            let width = size % 256;
            let bundle = if width > 0 { files[&bundle_path(size / 256, last(width))].clone() } else { Vec::new() };
            let rows = (0..Tile::levels(size)).map(|level| {
                let nodes = size >> (8 * level);
                let tile = Tile::new(level, nodes / 256, last(nodes % 256));
                tile.map_or(Vec::new(), |tile| tile.hashes(&files[&tile.to_string()]).unwrap())
            });
            let rows: Vec<_> = rows.collect();
            let frontier = Frontier::of(&reference, size).unwrap();
            let resumed = Grower::resume(frontier.clone(), &bundle, rows.clone());
            prop_assert_eq!(resumed.as_ref(), Some(&grower));
            let mut other = bundle;
            if let Some(byte) = other.last_mut() {
                *byte ^= 1;
                prop_assert_eq!(Grower::resume(frontier, &other, rows), None);
            }
            grower = resumed.unwrap();
        }
    }

    #[test]
    fn bundles_read_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..256)) {
        let bytes = bundle(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(bundle_entries(&bytes).unwrap(), entries);
        if let Some(cut) = bytes.len().checked_sub(1) {
            let shorter = bundle_entries(&bytes[..cut]);
            prop_assert!(shorter.is_err() || bytes.ends_with(&[0, 0]));
        }
    }

    #[test]
    fn nothing_makes_the_checks_panic(
        numbers in any::<[u64; 2]>(),
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let hashes: Vec<_> = hashes.into_iter().map(Hash).collect();
        let any = Hash::of_nothing();
        let [a, b] = numbers;
        prop_assert!(verify_inclusion(any, a, b, &hashes, any).is_err());
        let equal = a == b && a > 0 && hashes.is_empty();
        prop_assert_eq!(verify_consistency(a, b, any, any, &hashes).is_ok(), equal);
        drop(bundle_entries(&bytes));
    }
}

#[test]
fn the_root_of_nothing_is_the_hash_of_nothing() {
    assert_eq!(Frontier::default().root(), their_root(&theirs(0)));
    assert_eq!(
        verify_inclusion(Hash::of_nothing(), 0, 0, &[], Hash::of_nothing()),
        Err(ProofError::Outside)
    );
}

#[test]
fn paths_are_those_of_the_standard() {
    let path = |level, index, width| Tile::new(level, index, width).unwrap().to_string();
    assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(1, 0, 8), "tile/1/000.p/8");
    assert_eq!(bundle_path(999, 256), "tile/entries/999");
    assert_eq!(bundle_path(1_000, 1), "tile/entries/x001/000.p/1");
    assert!(Tile::new(0, 0, 0).is_none() && Tile::new(0, 0, 257).is_none());
    assert!(Tile::new(8, 0, 1).is_none());
}

#[test]
fn a_tree_of_70000_has_the_tiles_of_the_standard() {
    // The example of tlog-tiles: 273 full and one partial of 112 on level 0, and so on.
    let tiles: Vec<_> =
        (0..Tile::levels(70_000)).map(|level| Tile::between(level, 0, 70_000)).collect();
    let shape = tiles.into_iter().map(|level| {
        let level: Vec<_> = level.collect();
        (level.iter().filter(|tile| tile.is_full()).count(), level.last().unwrap().width())
    });
    assert_eq!(shape.collect::<Vec<_>>(), [(273, 112), (1, 17), (0, 1)]);
    assert_eq!(Tile::between(0, 70_000, 70_000).count(), 0);
    assert_eq!(Tile::between(0, 69_887, 69_889).count(), 2);
    assert_eq!(Tile::holding(0, 70_000, 70_000), None);
    assert_eq!(Tile::holding(9, 137, 70_000), None);
}
