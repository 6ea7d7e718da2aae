//! What a start makes of the files that are there: the tree over them, checked against the last
//! checkpoint, and what a crash left torn.

use std::io::{self, BufRead};
use std::sync::Arc;

use crate::anchor::Held;
use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Kept, Shelf};
use crate::ledger::{Ledger, Position, store_tile};
use crate::log_key::LogKey;
use crate::saved::Saved;
use crate::start_error::StartError;
use crate::tree::{Hash, Span, Tree, hash_of};

/// What was found.
pub(crate) struct Restored {
    pub(crate) tree: Tree,
    pub(crate) position: Position,
    pub(crate) published: Option<Checkpoint>,
    /// What was set aside, under its names in `quarantine`.
    pub(crate) set_aside: Vec<String>,
}

/// Rebuilds the tree from the state file and the lines after it, or, if that does not come to
/// what the last checkpoint says, from all files. Torn tails go into quarantine.
///
/// # Errors
/// When the files are not those of the last checkpoint: nothing is changed then.
pub(crate) fn restore(
    disk: &mut dyn Disk,
    shelf: &Arc<dyn Shelf>,
    (keys, anchors): (&[LogKey], &[Held]),
) -> Result<Restored, StartError> {
    let published = published(&**shelf, keys)?;
    let saved = Saved::get(&**shelf, keys);
    let here = [published.as_ref(), saved.as_ref().map(|saved| &saved.checkpoint)];
    let here = here.into_iter().flatten().map(|checkpoint| (HERE, checkpoint));
    let elsewhere = anchors.iter().map(|held| (held.place, &held.checkpoint));
    // That of an empty log, which was begun anew, says nothing about lines.
    let known: Vec<_> = elsewhere.chain(here).filter(|(_, known)| known.size() > 0).collect();
    let anchor = known.iter().copied().max_by_key(|(_, known)| known.size());
    let ids = disk.list().map_err(StartError::Directory)?;
    let start = saved.as_ref().map(|Saved { tree, position, checkpoint }| Walk {
        tree: tree.clone(),
        position: *position,
        agreed: anchor.is_some_and(|(_, anchor)| anchor.says(checkpoint.claim())),
        torn: Vec::new(),
    });
    let walked = |walk: Walk| {
        let walk = walk.through(&*disk, &**shelf, (&ids, anchor))?;
        let others = known.iter().filter(|(_, known)| anchor.is_none_or(|(_, a)| a != *known));
        walk.agrees_with(others, shelf)?;
        Ok(walk)
    };
    let shortcut: Option<Result<Walk, StartError>> = start.map(walked);
    let walk = match shortcut {
        Some(Ok(walk)) => walk,
        _ => walked(Walk::default())?,
    };
    let Walk { tree, position, torn, .. } = walk;
    let mut set_aside = Vec::new();
    for Torn { file, offset, bytes } in torn {
        let name = format!("{file:08x}-{offset}");
        shelf
            .put(&format!("quarantine/{name}"), &bytes, Kept::Durably)
            .and_then(|()| disk.cut(file, offset))
            .map_err(StartError::Directory)?;
        set_aside.push(name);
    }
    Ok(Restored { tree, position, published, set_aside })
}

fn published(shelf: &dyn Shelf, keys: &[LogKey]) -> Result<Option<Checkpoint>, StartError> {
    let Some(bytes) = shelf.get(CHECKPOINT).map_err(StartError::Directory)? else {
        return Ok(None);
    };
    Ok(Some(Checkpoint::open_by(&String::from_utf8_lossy(&bytes), keys)?))
}

/// A checkpoint, and where it is kept.
type Known<'a> = (&'static str, &'a Checkpoint);

/// On the way through the files.
#[derive(Default)]
struct Walk {
    tree: Tree,
    position: Position,
    /// Whether the tree was seen to be that of the anchor at its size.
    agreed: bool,
    torn: Vec<Torn>,
}

struct Torn {
    file: u32,
    offset: u64,
    bytes: Vec<u8>,
}

impl Walk {
    /// Reads on to the end of the last file and checks the result against the anchor.
    fn through(
        mut self,
        disk: &dyn Disk,
        shelf: &dyn Shelf,
        (ids, anchor): (&[u32], Option<Known<'_>>),
    ) -> Result<Self, StartError> {
        let from = self.position.file;
        if self.tree.size() > 0 && !ids.contains(&from) {
            return Err(StartError::Directory(io::ErrorKind::NotFound.into()));
        }
        for &id in ids.iter().filter(|id| **id >= from) {
            if self.position.file != id {
                self.position = Position { file: id, offset: 0 };
            }
            let mut reader = disk.read(id, self.position.offset).map_err(StartError::Directory)?;
            let last = ids.last() == Some(&id);
            let known = anchor.map(|(_, anchor)| anchor);
            self.file(&mut *reader, shelf, (last, known)).map_err(StartError::Directory)?;
        }
        let found = self.tree.size();
        match anchor {
            // The line that repeats a checkpoint is durable before the checkpoint is published.
            Some((place, anchor)) if found <= anchor.size() => {
                Err(StartError::Shorter { place, signed: anchor.size(), found })
            }
            Some((place, anchor)) if !self.agreed => {
                Err(StartError::Differs { place, size: anchor.size() })
            }
            _ => Ok(self),
        }
    }

    /// Checks other checkpoints by the tiles, which are those of the tree.
    fn agrees_with<'a>(
        &self,
        known: impl Iterator<Item = &'a Known<'a>>,
        shelf: &Arc<dyn Shelf>,
    ) -> Result<(), StartError> {
        let ledger = Ledger::new(Arc::clone(shelf), (self.tree.clone(), self.position), None);
        for (place, checkpoint) in known {
            let size = checkpoint.size();
            let root = hash_of(&ledger, Span { start: 0, end: size });
            if root.map_err(StartError::Directory)? != *checkpoint.root() {
                return Err(StartError::Differs { place, size });
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        reader: &mut dyn BufRead,
        shelf: &dyn Shelf,
        (last, anchor): (bool, Option<&Checkpoint>),
    ) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            if reader.read_until(b'\n', &mut buffer)? == 0 {
                return Ok(());
            }
            // A write that a power cut broke off may leave a hole of zeros before its end.
            if !buffer.ends_with(b"\n") || (last && buffer.contains(&0)) {
                let Position { file, offset } = self.position;
                reader.read_to_end(&mut buffer)?;
                self.torn.push(Torn { file, offset, bytes: buffer });
                return Ok(());
            }
            self.line(&buffer, shelf, anchor)?;
        }
    }

    fn line(
        &mut self,
        line: &[u8],
        shelf: &dyn Shelf,
        anchor: Option<&Checkpoint>,
    ) -> io::Result<()> {
        self.position.offset += u64::try_from(line.len()).unwrap_or(u64::MAX);
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let mut stored = Ok(());
        self.tree.push(Hash::of_leaf(text), |id, tile| {
            let put = store_tile(shelf, id, tile);
            if stored.is_ok() {
                stored = put;
            }
        });
        if let Some(anchor) = anchor.filter(|anchor| anchor.size() == self.tree.size()) {
            self.agreed = *anchor.root() == self.tree.root();
        }
        stored
    }
}

/// What is kept beside the files.
const HERE: &str = "the log directory";

/// The name of the latest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
