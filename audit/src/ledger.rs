//! The tree over all durable lines, shared between the writer, the notary and whoever asks for
//! a proof.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosignature;
use crate::disk::{Kept, Shelf};
use crate::tree::{Hash, TILE, TileId, Tiles, Tree};

/// Grows with each write that is durable.
pub(crate) struct Ledger {
    shelf: Arc<dyn Shelf>,
    state: Mutex<State>,
    /// The latest checkpoint that is on the disk.
    published: Mutex<Option<Arc<Checkpoint>>>,
    /// Held by whoever puts a checkpoint on the shelf, so that an older one never comes last.
    putting: Mutex<()>,
}

struct State {
    tree: Tree,
    /// Full tiles that are not on the shelf yet.
    waiting: BTreeMap<TileId, Vec<Hash>>,
    position: Position,
    /// The files that nothing is written to any more.
    earlier: Earlier,
}

/// Log files: their ids, and how long they are.
pub(crate) type Earlier = Vec<(u32, u64)>;

/// Where the last leaf of a tree ends: the file and how much of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Position {
    pub(crate) file: u32,
    pub(crate) offset: u64,
}

impl Ledger {
    pub(crate) fn new(
        shelf: Arc<dyn Shelf>,
        (tree, position, earlier): (Tree, Position, Earlier),
        published: Option<Checkpoint>,
    ) -> Self {
        let state = Mutex::new(State { tree, waiting: BTreeMap::new(), position, earlier });
        Self {
            shelf,
            state,
            published: Mutex::new(published.map(Arc::new)),
            putting: Mutex::default(),
        }
    }

    /// Nothing is written any more to the file with this id, which is so long.
    pub(crate) fn leave(&self, id: u32, length: u64) {
        self.state().earlier.push((id, length));
    }

    /// Adds the lines of `text`, which is durable and ends at `position`. Returns the index of
    /// the first one.
    pub(crate) fn enter(&self, text: &str, position: Position) -> u64 {
        // Hashed outside of the lock.
        let leaves: Vec<_> = text.lines().map(|line| Hash::of_leaf(line.as_bytes())).collect();
        let State { tree, waiting, position: last, .. } = &mut *self.state();
        let first = tree.size();
        for leaf in leaves {
            tree.push(leaf, |id, tile| {
                waiting.insert(id, tile.to_vec());
            });
        }
        *last = position;
        first
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.state().tree.size()
    }

    /// How many leaves there are, and where the last one ends.
    pub(crate) fn extent(&self) -> (u64, Position) {
        let state = self.state();
        (state.tree.size(), state.position)
    }

    /// The tree as it is now, where it ends, and the files before that.
    pub(crate) fn snapshot(&self) -> (Tree, Position, Hash) {
        let state = self.state();
        (state.tree.clone(), state.position, fingerprint(&state.earlier, state.position.file))
    }

    /// Puts the tiles that are full on the shelf.
    pub(crate) fn store_tiles(&self) -> io::Result<()> {
        loop {
            let Some((id, tile)) = self.state().waiting.first_key_value().map(cloned) else {
                return Ok(());
            };
            store_tile(&*self.shelf, id, &tile)?;
            self.state().waiting.remove(&id);
        }
    }

    pub(crate) fn publish(&self, checkpoint: Checkpoint) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        *published = Some(Arc::new(checkpoint));
    }

    /// Writes the latest checkpoint to the shelf under `name`.
    pub(crate) fn put_published(&self, name: &str) -> io::Result<()> {
        let _alone = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        let note = self.published().map_or_else(String::new, |latest| latest.to_string());
        self.shelf.put(name, note.as_bytes(), Kept::Durably)
    }

    /// Gives the latest checkpoint a cosignature, on the shelf under `name` first. Says whether
    /// `checkpoint` still is the latest.
    pub(crate) fn cosign(
        &self,
        name: &str,
        checkpoint: &Checkpoint,
        cosignature: Cosignature,
    ) -> io::Result<bool> {
        let _alone = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |latest: &Arc<Checkpoint>| latest.size() == checkpoint.size();
        let Some(latest) = self.published().filter(is_same) else { return Ok(false) };
        let cosigned = (*latest).clone().with(cosignature);
        self.shelf.put(name, cosigned.to_string().as_bytes(), Kept::Durably)?;
        // A later one that came meanwhile waits to be put there itself.
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let still = published.as_ref().is_some_and(is_same);
        if still {
            *published = Some(Arc::new(cosigned));
        }
        Ok(still)
    }

    /// The latest checkpoint that is on the disk.
    pub(crate) fn published(&self) -> Option<Arc<Checkpoint>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tiles for Ledger {
    fn tile(&self, id: TileId) -> io::Result<Vec<Hash>> {
        {
            let State { tree, waiting, .. } = &*self.state();
            if let Some(tile) = waiting.get(&id) {
                return Ok(tile.clone());
            }
            let at_edge = tree.size() >> (8 * (u32::from(id.level) + 1)) == id.index;
            if let (true, Some(tile)) = (at_edge, tree.edge().get(usize::from(id.level))) {
                return Ok(tile.clone());
            }
        }
        read_tile(&*self.shelf, id)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// What shows that files before that with the id `end` were taken away, put in or cut, without
/// reading them.
pub(crate) fn fingerprint(files: &[(u32, u64)], end: u32) -> Hash {
    let mut bytes = Vec::new();
    for (id, length) in files.iter().filter(|(id, _)| *id < end) {
        bytes.extend(id.to_be_bytes());
        bytes.extend(length.to_be_bytes());
    }
    Hash::of_leaf(&bytes)
}

/// A full tile lies on the shelf as its hashes one after another.
pub(crate) fn store_tile(shelf: &dyn Shelf, id: TileId, tile: &[Hash]) -> io::Result<()> {
    let bytes: Vec<u8> = tile.iter().flat_map(|hash| *hash.as_bytes()).collect();
    shelf.put(&id.path(), &bytes, Kept::Loosely)
}

/// A full tile from the shelf. Nothing is proved by it alone.
pub(crate) fn read_tile(shelf: &dyn Shelf, id: TileId) -> io::Result<Vec<Hash>> {
    let bytes = shelf.get(&id.path())?.ok_or(io::ErrorKind::NotFound)?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || u64::try_from(hashes.len()) != Ok(TILE) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is cut", id.path())));
    }
    Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect())
}

fn cloned((id, tile): (&TileId, &Vec<Hash>)) -> (TileId, Vec<Hash>) {
    (*id, tile.clone())
}
