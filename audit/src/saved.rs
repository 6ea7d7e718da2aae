//! The state file `tree`: the tree's right edge as of a checkpoint, so that a start need not
//! read all files. Nothing in it is believed that the signed checkpoint does not confirm.

use std::io;

use crate::checkpoint::Checkpoint;
use crate::disk::{Kept, Shelf};
use crate::ledger::Position;
use crate::log_key::LogKey;
use crate::tree::{Hash, Tree};

/// What the state file holds.
pub(crate) struct Saved {
    pub(crate) tree: Tree,
    pub(crate) position: Position,
    /// Of the files before (see [`fingerprint`](crate::ledger::fingerprint)).
    pub(crate) earlier: Hash,
    pub(crate) checkpoint: Checkpoint,
}

impl Saved {
    /// Writes the state file.
    pub(crate) fn put(&self, shelf: &dyn Shelf) -> io::Result<()> {
        let Self { tree, position: Position { file, offset }, earlier, checkpoint } = self;
        let mut text = format!("{FIRST}{file:08x} {offset} {earlier}\n");
        for tile in tree.edge() {
            let hashes: Vec<_> = tile.iter().map(ToString::to_string).collect();
            text.push_str(&format!("={}\n", hashes.join(" ")));
        }
        text.push_str(&format!("{NOTE}{checkpoint}"));
        shelf.put(NAME, text.as_bytes(), Kept::Loosely)
    }

    /// The state file, if there is one whose tree is that of a checkpoint by one of `keys`.
    pub(crate) fn get(shelf: &dyn Shelf, keys: &[LogKey]) -> Option<Self> {
        let text = String::from_utf8(shelf.get(NAME).ok()??).ok()?;
        let (head, note) = text.strip_prefix(FIRST)?.split_once(NOTE)?;
        let checkpoint = Checkpoint::open_by(note, keys).ok()?;
        let mut lines = head.lines();
        let mut place = lines.next()?.split(' ');
        let (file, offset, earlier) = (place.next()?, place.next()?, place.next()?);
        let earlier = Hash::parse(earlier)?;
        let position =
            Position { file: u32::from_str_radix(file, 16).ok()?, offset: offset.parse().ok()? };
        let edge = lines.map(hashes).collect::<Option<_>>()?;
        let tree = Tree::from_edge(checkpoint.size(), edge)?;
        (tree.root() == *checkpoint.root()).then_some(Self { tree, position, earlier, checkpoint })
    }
}

/// The hashes of one tile.
fn hashes(line: &str) -> Option<Vec<Hash>> {
    line.strip_prefix('=')?.split(' ').filter(|hash| !hash.is_empty()).map(Hash::parse).collect()
}

const FIRST: &str = "claviger tree 2\n";
const NAME: &str = "tree";
const NOTE: &str = "note\n";
