//! What the daemon's own tiles say about single lines. They prove nothing: but where a
//! checkpoint shows that something was changed, they show which line.

use std::io;
use std::path::Path;

use crate::disk::Directory;
use crate::ledger::read_tile;
use crate::log_key::LogKey;
use crate::saved::Saved;
use crate::tree::{Hash, TILE, TileId};

pub(super) struct Oracle {
    shelf: Directory,
    saved: Option<Saved>,
    /// The tile that was asked last; empty if there is none.
    tile: Option<(u64, Vec<Hash>)>,
    /// The name of a tile that is there and is none.
    pub(super) cut: Option<String>,
}

impl Oracle {
    pub(super) fn new(directory: &Path, key: &LogKey) -> Self {
        let shelf = Directory(directory.to_owned());
        let saved = Saved::get(&shelf, std::slice::from_ref(key));
        Self { shelf, saved, tile: None, cut: None }
    }

    /// Which line should be here, if that is known.
    pub(super) fn leaf(&mut self, index: u64) -> Option<Hash> {
        let number = index / TILE;
        if self.tile.as_ref().is_none_or(|(known, _)| *known != number) {
            let id = TileId { level: 0, index: number };
            let tile = self.read(id).or_else(|| self.edge(number));
            self.tile = Some((number, tile.unwrap_or_default()));
        }
        let (_, tile) = self.tile.as_ref()?;
        tile.get(usize::try_from(index % TILE).ok()?).copied()
    }

    /// Whether the tile is not there or has these hashes.
    pub(super) fn agrees(&mut self, id: TileId, hashes: &[Hash]) -> bool {
        self.read(id).is_none_or(|tile| tile == hashes)
    }

    fn read(&mut self, id: TileId) -> Option<Vec<Hash>> {
        match read_tile(&self.shelf, id) {
            Ok(tile) => Some(tile),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => {
                self.cut.get_or_insert(id.path());
                None
            }
        }
    }

    /// The last tile, which is not full.
    fn edge(&self, number: u64) -> Option<Vec<Hash>> {
        let tree = &self.saved.as_ref()?.tree;
        (tree.size() / TILE == number).then(|| tree.edge().first().cloned())?
    }
}

/// The name of the tile with the hash of this line.
pub(super) fn tile_of(index: u64) -> String {
    TileId { level: 0, index: index / TILE }.path()
}
