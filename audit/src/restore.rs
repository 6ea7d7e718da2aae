//! What a start makes of the files that are there: the tree over them, checked against the last
//! checkpoint, and what a crash left torn.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use crate::anchor::Held;
use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, Kept, Shelf};
use crate::ledger::{Earlier, Ledger, Position, fingerprint, store_tile};
use crate::log_key::LogKey;
use crate::reading::LINE_LIMIT;
use crate::saved::Saved;
use crate::start_error::StartError;
use crate::tail::{CLOSED, Tail};
use crate::tree::{Hash, Span, Tree, hash_of};

/// What was found.
pub(crate) struct Restored {
    pub(crate) tree: Tree,
    pub(crate) position: Position,
    pub(crate) published: Option<Checkpoint>,
    /// What was set aside, under its names in `quarantine`.
    pub(crate) set_aside: Vec<String>,
    /// The files that are there.
    pub(crate) files: Earlier,
    /// How many lines were there that no checkpoint covered.
    pub(crate) taken_over: u64,
}

/// Rebuilds the tree from the state file and the lines after it, or, if that does not come to
/// what the last checkpoint says, from all files. What comes after the last checkpoint and is not as
/// the daemon writes it, torn or put in, goes into quarantine.
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
    // Files that are not what they were are read.
    let files = lengths(disk, &ids).map_err(StartError::Directory)?;
    let unchanged = |saved: &&Saved| fingerprint(&files, saved.position.file) == saved.earlier;
    let saved = saved.as_ref().filter(unchanged);
    let start = saved.map(|Saved { tree, position, checkpoint, .. }| Walk {
        tree: tree.clone(),
        position: *position,
        agreed: anchor.is_some_and(|(_, anchor)| anchor.says(checkpoint.claim())),
        closed: ids.contains(&position.file)
            && last_line(&*disk, *position).is_some_and(|line| line == CLOSED),
        ..Walk::default()
    });
    let walked = |walk: Walk| {
        let walk = walk.through(&*disk, &**shelf, (&ids, keys, anchor))?;
        let others = known.iter().filter(|(_, known)| anchor.is_none_or(|(_, a)| a != *known));
        walk.agrees_with(others, shelf)?;
        Ok(walk)
    };
    let shortcut: Option<Result<Walk, StartError>> = start.map(walked);
    let walk = match shortcut {
        Some(Ok(walk)) => walk,
        _ => walked(Walk::default())?,
    };
    let Walk { tree, position, torn, taken_over, .. } = walk;
    let mut set_aside = Vec::new();
    for Torn { file, offset, bytes } in torn {
        let name = format!("{file:08x}-{offset}");
        shelf
            .put(&format!("quarantine/{name}"), &bytes, Kept::Durably)
            .and_then(|()| disk.cut(file, offset))
            .map_err(StartError::Directory)?;
        set_aside.push(name);
    }
    if let Some(last) = ids.last() {
        // What stays does no harm.
        let _ = disk.trim(*last);
    }
    let files = lengths(disk, &ids).map_err(StartError::Directory)?;
    Ok(Restored { tree, position, published, set_aside, files, taken_over })
}

fn lengths(disk: &dyn Disk, ids: &[u32]) -> io::Result<Earlier> {
    ids.iter().map(|id| Ok((*id, disk.length(*id)?))).collect()
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
    /// Whether the last line so far ended a run.
    closed: bool,
    /// Lines after the anchor.
    taken_over: u64,
    /// The size of the last checkpoint that one of them repeats: the next is a larger one.
    noted: Option<u64>,
    torn: Vec<Torn>,
}

/// What a walk goes by.
struct Guide<'a> {
    disk: &'a dyn Disk,
    shelf: &'a dyn Shelf,
    ids: &'a [u32],
    keys: &'a [LogKey],
    anchor: Option<&'a Checkpoint>,
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
        (ids, keys, anchor): (&[u32], &[LogKey], Option<Known<'_>>),
    ) -> Result<Self, StartError> {
        let guide = Guide { disk, shelf, ids, keys, anchor: anchor.map(|(_, anchor)| anchor) };
        let from = self.position.file;
        if self.tree.size() > 0 && !ids.contains(&from) {
            return Err(StartError::Directory(io::ErrorKind::NotFound.into()));
        }
        for &id in ids.iter().filter(|id| **id >= from) {
            if self.position.file != id {
                self.position = Position { file: id, offset: 0 };
            }
            let mut reader = disk.read(id, self.position.offset).map_err(StartError::Directory)?;
            self.file(&mut *reader, &guide).map_err(StartError::Directory)?;
            self.closed = false;
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
        let over = (self.tree.clone(), self.position, Vec::new());
        let ledger = Ledger::new(Arc::clone(shelf), over, None);
        for (place, checkpoint) in known {
            let size = checkpoint.size();
            let root = hash_of(&ledger, Span { start: 0, end: size });
            if root.map_err(StartError::Directory)? != *checkpoint.root() {
                return Err(StartError::Differs { place, size });
            }
        }
        Ok(())
    }

    fn file(&mut self, reader: &mut dyn BufRead, guide: &Guide<'_>) -> io::Result<()> {
        let last = guide.ids.last() == Some(&self.position.file);
        let (mut buffer, mut tail) = (Vec::new(), None);
        loop {
            buffer.clear();
            if reader.read_until(b'\n', &mut buffer)? == 0 {
                return Ok(());
            }
            // A write that a power cut broke off may leave a hole of zeros before its end.
            let torn = !buffer.ends_with(b"\n") || (last && buffer.contains(&0));
            let stays = !torn && self.may_stay(&buffer, &mut tail, guide)?;
            if !torn && !stays && guide.anchor.is_none() {
                let why = format!("{:08x}.log is of another log", self.position.file);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if !stays {
                let Position { file, offset } = self.position;
                reader.read_to_end(&mut buffer)?;
                self.torn.push(Torn { file, offset, bytes: buffer });
                return Ok(());
            }
            self.line(&buffer, guide)?;
        }
    }

    /// Whether a line is one that the daemon has written, as far as nothing else will show it.
    fn may_stay<'a>(
        &mut self,
        line: &[u8],
        tail: &mut Option<Tail<'a>>,
        guide: &Guide<'a>,
    ) -> io::Result<bool> {
        let size = self.tree.size();
        if guide.anchor.is_some_and(|anchor| size < anchor.size()) {
            return Ok(true);
        }
        let tail = match tail {
            Some(tail) => tail,
            None => {
                let (files, known) = ((guide.disk, guide.ids), (guide.keys, guide.anchor));
                tail.insert(Tail::open(files, self.position, known, self.closed)?)
            }
        };
        let before = tail.taken;
        let taken = tail.takes(line, size, &mut self.noted);
        self.taken_over += tail.taken - before;
        Ok(taken)
    }

    fn line(&mut self, line: &[u8], guide: &Guide<'_>) -> io::Result<()> {
        self.position.offset += u64::try_from(line.len()).unwrap_or(u64::MAX);
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.closed = text == CLOSED.as_bytes();
        let mut stored = Ok(());
        self.tree.push(Hash::of_leaf(text), |id, tile| {
            let put = store_tile(guide.shelf, id, tile);
            if stored.is_ok() {
                stored = put;
            }
        });
        let anchor = guide.anchor;
        if let Some(anchor) = anchor.filter(|anchor| anchor.size() == self.tree.size()) {
            self.agreed = *anchor.root() == self.tree.root();
        }
        stored
    }
}

/// The line that ends at `position`, without its line end.
fn last_line(disk: &dyn Disk, Position { file, offset }: Position) -> Option<String> {
    let start = offset.saturating_sub(LINE_LIMIT);
    let mut before = Vec::new();
    let reader = disk.read(file, start).ok()?;
    reader.take(offset.saturating_sub(start)).read_to_end(&mut before).ok()?;
    String::from_utf8_lossy(&before).lines().last().map(str::to_owned)
}

/// What is kept beside the files.
const HERE: &str = "the log directory";

/// The name of the latest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
