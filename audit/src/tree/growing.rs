//! The tree as it grows: its right edge, in a few kilobytes whatever its size.

use crate::tree::tile::{TILE, TileId};
use crate::tree::{Hash, fold};

/// A tree that leaves are added to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tree {
    size: u64,
    /// For each level of tiles the hashes of the tile that is not full yet, at most 255.
    edge: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree from its parts, if they fit together.
    pub(crate) fn from_edge(size: u64, edge: Vec<Vec<Hash>>) -> Option<Self> {
        let mut rest = size;
        for tile in &edge {
            if u64::try_from(tile.len()).ok()? != rest % TILE {
                return None;
            }
            rest /= TILE;
        }
        (rest == 0).then_some(Self { size, edge })
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The tiles that are not full yet, from the leaves up.
    pub(crate) fn edge(&self) -> &[Vec<Hash>] {
        &self.edge
    }

    /// Adds a leaf; `full` gets each tile that it fills, from the leaves up.
    pub(crate) fn push(&mut self, leaf: Hash, mut full: impl FnMut(TileId, &[Hash])) {
        self.size += 1;
        let (mut hash, mut count) = (leaf, self.size);
        for level in 0..=u8::MAX {
            let place = usize::from(level);
            if self.edge.len() <= place {
                self.edge.push(Vec::new());
            }
            let Some(tile) = self.edge.get_mut(place) else { return };
            tile.push(hash);
            if !count.is_multiple_of(TILE) {
                return;
            }
            count /= TILE;
            full(TileId { level, index: count - 1 }, tile);
            let Some(above) = fold(tile) else { return };
            hash = above;
            tile.clear();
        }
    }

    /// The hash over all leaves.
    pub(crate) fn root(&self) -> Hash {
        let mut root = None;
        for tile in &self.edge {
            let mut rest = tile.as_slice();
            let mut peaks = Vec::new();
            while !rest.is_empty() {
                let (peak, after) = rest.split_at(1 << rest.len().ilog2());
                peaks.extend(fold(peak));
                rest = after;
            }
            for peak in peaks.iter().rev() {
                root = Some(root.map_or(*peak, |right| Hash::of_node(peak, &right)));
            }
        }
        root.unwrap_or_else(Hash::of_nothing)
    }
}
