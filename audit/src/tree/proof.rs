//! Proofs: that a leaf is in a tree, and that a tree is the start of a later one.

use crate::tree::Hash;

/// The leaves from `start` up to, but without, `end`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The spans whose hashes prove that leaf `index` is in the tree of `size` leaves, in the order
/// of the proof (RFC 6962, section 2.1.1). Empty if it is not in it.
pub(crate) fn inclusion_spans(index: u64, size: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let (mut start, mut end) = (0, size);
    while index < end && end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
        }
    }
    spans.reverse();
    spans
}

/// The spans whose hashes prove that the tree of `old` leaves is the start of that of `new`, in
/// the order of the proof (RFC 6962, section 2.1.2). Empty for equal sizes and for size 0.
pub(crate) fn consistency_spans(old: u64, new: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    if old == 0 || old >= new {
        return spans;
    }
    let (mut start, mut end) = (0, new);
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            spans.push(Span { start: middle, end });
            end = middle;
        } else {
            spans.push(Span { start, end: middle });
            start = middle;
        }
    }
    // The old tree's own root is known to whoever checks; any other subtree is not.
    if start > 0 {
        spans.push(Span { start, end });
    }
    spans.reverse();
    spans
}

/// Whether `proof` shows that `leaf` is at `index` in the tree with this size and root
/// (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn proves_inclusion(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if place % 2 == 1 || place == last {
            hash = Hash::of_node(sibling, &hash);
            while place % 2 == 0 && place > 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            hash = Hash::of_node(&hash, sibling);
        }
        (place, last) = (place / 2, last / 2);
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old` is the start of the tree of `new`, each given
/// as its size and root (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn proves_consistency(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == Hash::of_nothing();
    }
    if old_size > new_size {
        return false;
    }
    let whole = if old_size.is_power_of_two() { Some(*old_root) } else { None };
    let mut path = whole.into_iter().chain(proof.iter().copied());
    let Some(first) = path.next() else { return false };
    let (mut place, mut last) = (old_size - 1, new_size - 1);
    while place % 2 == 1 {
        (place, last) = (place / 2, last / 2);
    }
    let (mut from_old, mut from_new) = (first, first);
    for hash in path {
        if last == 0 {
            return false;
        }
        if place % 2 == 1 || place == last {
            from_old = Hash::of_node(&hash, &from_old);
            from_new = Hash::of_node(&hash, &from_new);
            while place % 2 == 0 && place > 0 {
                (place, last) = (place / 2, last / 2);
            }
        } else {
            from_new = Hash::of_node(&from_new, &hash);
        }
        (place, last) = (place / 2, last / 2);
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

/// The largest power of two below `size`, which is at least 2: where a subtree is split.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::io;

    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
    use sha2::Sha256;

    use super::*;
    use crate::tree::{TileId, Tiles, Tree, hash_of};

    /// A tree with all its tiles in memory.
    #[derive(Default)]
    struct Store {
        tree: Tree,
        full: HashMap<TileId, Vec<Hash>>,
        /// Spans hashed before: their hashes never change.
        known: RefCell<HashMap<(u64, u64), Hash>>,
    }

    impl Store {
        fn push(&mut self, leaf: Hash) {
            let full = &mut self.full;
            self.tree.push(leaf, |id, tile| {
                assert!(full.insert(id, tile.to_vec()).is_none());
            });
        }

        fn prove(&self, spans: Vec<Span>) -> Vec<Hash> {
            let mut known = self.known.borrow_mut();
            let hash = |span: Span| {
                let hash = known.entry((span.start, span.end));
                *hash.or_insert_with(|| hash_of(self, span).unwrap())
            };
            spans.into_iter().map(hash).collect()
        }
    }

    impl Tiles for Store {
        fn tile(&self, id: TileId) -> io::Result<Vec<Hash>> {
            let edge = || self.tree.edge().get(usize::from(id.level)).cloned();
            self.full.get(&id).cloned().or_else(edge).ok_or(io::ErrorKind::NotFound.into())
        }
    }

    fn leaf(number: u64) -> Vec<u8> {
        format!("line {number}").into_bytes()
    }

    fn flat(proof: &[Hash]) -> Vec<u8> {
        proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
    }

    /// All trees up to 300 leaves: roots, every inclusion and every consistency proof agree with
    /// an independent implementation, and our own check takes them and no other.
    #[test]
    fn proofs_agree_with_an_independent_implementation() {
        let mut roots = vec![Hash::of_nothing()];
        let (mut store, mut theirs) = (Store::default(), MemoryBackedTree::<Sha256, _>::new());
        for size in 1..=300 {
            store.push(Hash::of_leaf(&leaf(size - 1)));
            theirs.push(leaf(size - 1));
            let root = store.tree.root();
            assert_eq!(root.as_bytes()[..], theirs.root().as_bytes()[..]);
            let whole = Span { start: 0, end: size };
            assert_eq!(hash_of(&store, whole).unwrap(), root);
            for index in 0..size {
                let proof = store.prove(inclusion_spans(index, size));
                let expected = theirs.prove_inclusion(usize::try_from(index).unwrap());
                assert_eq!(flat(&proof), expected.as_bytes());
                check_inclusion(index, size, &root, &proof);
            }
            for old in 0..=size {
                let proof = store.prove(consistency_spans(old, size));
                let from =
                    (old, &roots.get(usize::try_from(old).unwrap()).copied().unwrap_or(root));
                assert!(proves_consistency(from, (size, &root), &proof));
                if old > 0 && old < size {
                    let added = usize::try_from(size - old).unwrap();
                    assert_eq!(flat(&proof), theirs.prove_consistency(added).as_bytes());
                    assert!(!proves_consistency((old, &root), (size, &root), &proof));
                    assert!(!proves_consistency(from, (size, from.1), &proof));
                    assert!(!proves_consistency((old, from.1), (size, &root), &proof[1..]));
                }
            }
            roots.push(root);
        }
    }

    fn check_inclusion(index: u64, size: u64, root: &Hash, proof: &[Hash]) {
        let hash = Hash::of_leaf(&leaf(index));
        assert!(proves_inclusion(&hash, index, size, root, proof));
        let other = Hash::of_leaf(b"another line");
        assert!(!proves_inclusion(&other, index, size, root, proof));
        assert!(!proves_inclusion(&hash, size, size, root, proof));
        let longer = [proof, &[other]].concat();
        assert!(!proves_inclusion(&hash, index, size, root, &longer));
        if let Some((_, shorter)) = proof.split_last() {
            assert!(!proves_inclusion(&hash, index, size, root, shorter));
            assert!(!proves_inclusion(&hash, index ^ 1, size, root, proof));
        }
    }

    /// The other way round: their checks take our proofs.
    #[test]
    fn an_independent_check_takes_our_proofs() {
        let (mut store, mut theirs) = (Store::default(), MemoryBackedTree::<Sha256, _>::new());
        for number in 0..257 {
            store.push(Hash::of_leaf(&leaf(number)));
            theirs.push(leaf(number));
        }
        let root = RootHash::<Sha256>::new((*store.tree.root().as_bytes()).into(), 257);
        for index in [0, 1, 127, 128, 255, 256] {
            let proof = store.prove(inclusion_spans(index, 257));
            let proof = InclusionProof::<Sha256>::try_from_bytes(flat(&proof)).unwrap();
            root.verify_inclusion(&leaf(index), index, &proof).unwrap();
        }
        let old = store.prove(vec![Span { start: 0, end: 200 }]);
        let old = RootHash::<Sha256>::new((*old[0].as_bytes()).into(), 200);
        let proof = store.prove(consistency_spans(200, 257));
        let proof = ConsistencyProof::<Sha256>::try_from_bytes(flat(&proof)).unwrap();
        root.verify_consistency(&old, &proof).unwrap();
    }

    #[test]
    fn a_tree_of_three_levels_of_tiles() {
        let mut store = Store::default();
        for number in 0..65_536 + 700_u64 {
            store.push(Hash::of_leaf(&number.to_be_bytes()));
        }
        let (size, root) = (store.tree.size(), store.tree.root());
        let edge: Vec<_> = store.tree.edge().iter().map(Vec::len).collect();
        assert_eq!(edge, [188, 2, 1]);
        assert_eq!(Tree::from_edge(size, store.tree.edge().to_vec()).unwrap(), store.tree);
        assert_eq!(Tree::from_edge(size + 1, store.tree.edge().to_vec()), None);
        for index in [0, 255, 256, 65_535, 65_536, size - 1] {
            let proof = store.prove(inclusion_spans(index, size));
            let hash = Hash::of_leaf(&index.to_be_bytes());
            assert!(proves_inclusion(&hash, index, size, &root, &proof));
        }
        for old in [1, 255, 256, 65_535, 65_536, 65_792, size - 1] {
            let old_root = hash_of(&store, Span { start: 0, end: old }).unwrap();
            let proof = store.prove(consistency_spans(old, size));
            assert!(proves_consistency((old, &old_root), (size, &root), &proof));
        }
        assert_eq!(TileId { level: 0, index: 1_234_067 }.path(), "tile/0/x001/x234/067");
        assert_eq!(TileId { level: 1, index: 7 }.path(), "tile/1/007");
    }
}
