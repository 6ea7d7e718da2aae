//! The tree as a verifier sees it: the latest leaves one by one, so that the root of a slightly
//! earlier tree can still be had.

use std::collections::VecDeque;

use crate::tree::{Hash, TileId, Tree};

/// Leaves are pushed; roots are asked for, no older than the last [`WINDOW`] leaves.
#[derive(Default)]
pub(crate) struct Window {
    /// The tree without the latest leaves.
    base: Tree,
    latest: VecDeque<Hash>,
    /// Tiles that were filled by it, above those of leaves: one of 65,536 lines or more.
    above: Vec<(TileId, Vec<Hash>)>,
}

impl Window {
    /// The tree over `base` and the leaves after it.
    pub(crate) fn over(base: Tree, latest: impl IntoIterator<Item = Hash>) -> Self {
        Self { base, latest: latest.into_iter().collect(), above: Vec::new() }
    }

    /// The tree up to where it was settled, and the leaves after that.
    pub(crate) fn parts(&self) -> (&Tree, impl ExactSizeIterator<Item = Hash>) {
        (&self.base, self.latest.iter().copied())
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.base.size() + u64::try_from(self.latest.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.latest.push_back(leaf);
        if u64::try_from(self.latest.len()).is_ok_and(|count| count > WINDOW) {
            self.settle(self.base.size() + 1);
        }
    }

    /// The root over the first `size` leaves; `None` if they are not all there yet, or it is too
    /// long ago.
    pub(crate) fn root_at(&self, size: u64) -> Option<Hash> {
        let more = usize::try_from(size.checked_sub(self.base.size())?).ok()?;
        if more > self.latest.len() {
            return None;
        }
        let mut tree = self.base.clone();
        self.latest.iter().take(more).for_each(|leaf| tree.push(*leaf, |_, _| {}));
        Some(tree.root())
    }

    /// Forgets the single leaves before `size`: no root before it will be asked for.
    pub(crate) fn settle(&mut self, size: u64) {
        while self.base.size() < size {
            let Some(leaf) = self.latest.pop_front() else { return };
            let above = &mut self.above;
            self.base.push(leaf, |id, tile| {
                if id.level > 0 {
                    above.push((id, tile.to_vec()));
                }
            });
        }
    }

    /// The tiles above those of leaves that were filled since the last call.
    pub(crate) fn take_above(&mut self) -> Vec<(TileId, Vec<Hash>)> {
        std::mem::take(&mut self.above)
    }
}

/// How many leaves back the root of an earlier tree can be had: 32 MiB of hashes.
pub(crate) const WINDOW: u64 = 1 << 20;
