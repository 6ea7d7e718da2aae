//! The durable lines of a log that runs, by index and in their order, for whoever passes them on.
//! They come out of the files, so that memory stays the same however far behind that reader is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::checkpoint::Checkpoint;
use crate::cursor::Cursor;
use crate::ledger::Position;
use crate::line::Line;
use crate::log::Log;
use crate::reading::LINE_LIMIT;
use crate::rows::{Row, row};
use crate::tree::{Hash, TILE, TileId, Tiles};

/// Reads a log from a cursor on. See [`Log::feed`].
pub struct Feed {
    log: Log,
    index: u64,
    at: Position,
    /// The file at `at`, once it is open.
    open: Option<BufReader<File>>,
    /// What was durable at the last look.
    end: Position,
    /// The tile of leaves that was looked at last, by its index.
    tile: (u64, Vec<Hash>),
    buffer: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Debug)]
pub enum Fed {
    /// A line.
    Leaf(Leaf),
    /// The lines with these indices are not what the tree has of them: somebody cut them off their
    /// file, or changed them.
    Lost(Range<u64>),
}

/// A line of the log, record or comment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    /// Its index in the tree.
    pub index: u64,
    /// The id of its file.
    pub file: u32,
    /// Its text without line end.
    pub text: String,
}

/// What a line says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// An entry or a key record. The number of the line in its file is not known here: 0.
    Record(Row),
    /// It repeats a checkpoint.
    Checkpoint(Checkpoint),
    /// Something else, such as the banner.
    Comment,
}

impl Log {
    /// The durable lines from `from` on. A cursor that is `None`, of another log, or that does not
    /// stand between two lines, is that before the first line.
    pub fn feed(&self, from: Option<&Cursor>) -> Feed {
        let from = from.filter(|cursor| self.has(cursor));
        let (index, at) = from.map_or_else(Default::default, |c| (c.index, c.position));
        let (log, end) = (self.clone(), Position::default());
        let tile = (0, Vec::new());
        Feed { log, index, at, open: None, end, tile, buffer: Vec::new() }
    }

    fn has(&self, cursor: &Cursor) -> bool {
        let Cursor { origin, index, position: Position { file, offset } } = cursor;
        let between = || -> io::Result<bool> {
            let mut file = File::open(self.path_of(*file))?;
            let Some(before) = offset.checked_sub(1) else { return Ok(true) };
            let mut last = [0];
            file.seek(SeekFrom::Start(before))?;
            file.read_exact(&mut last)?;
            Ok(last == *b"\n")
        };
        let ours = origin == self.key().origin() && *index <= self.ledger().extent().0;
        ours && between().unwrap_or(false)
    }

    /// What a line of this log says.
    pub fn content(&self, leaf: &Leaf) -> Content {
        match (Checkpoint::open_line(&leaf.text, self.keys()), Line::parse(&leaf.text)) {
            (Some(Ok(checkpoint)), _) => Content::Checkpoint(checkpoint),
            (_, Ok(Line::Record(record))) => Content::Record(row(0, &record)),
            _ => Content::Comment,
        }
    }
}

impl Leaf {
    /// Its hash as a leaf of the tree.
    pub fn hash(&self) -> Hash {
        Hash::of_leaf(self.text.as_bytes())
    }
}

impl Feed {
    /// Where it stands: before the next line.
    pub fn cursor(&self) -> Cursor {
        let origin = self.log.key().origin().to_owned();
        Cursor { origin, index: self.index, position: self.at }
    }

    /// Goes back to a cursor that it gave.
    pub fn rewind(&mut self, to: &Cursor) {
        (self.index, self.at, self.open) = (to.index, to.position, None);
        // Looked at anew, so that what was durable then is no end now.
        self.end = to.position;
    }

    /// What comes next, or `None` while nothing more is durable. Reads files.
    ///
    /// # Errors
    /// When a file can't be read. It stands where it stood then.
    pub fn advance(&mut self) -> io::Result<Option<Fed>> {
        loop {
            if self.at == self.end {
                self.end = self.log.ledger().extent().1;
                if self.at == self.end {
                    return Ok(None);
                }
            }
            if let Some(leaf) = self.line()? {
                return Ok(Some(self.judged(leaf)));
            }
            // Of a file that others follow this was all; the one being written is about to be
            // found cut by its writer.
            self.end = self.log.ledger().extent().1;
            match self.file_after(self.at.file)? {
                Some(file) => {
                    self.open = None;
                    if let Some(lost) = self.enter(file)? {
                        return Ok(Some(Fed::Lost(lost)));
                    }
                }
                None => return Ok(None),
            }
        }
    }

    /// The next line of the current file; `None` where it has no more whole ones.
    fn line(&mut self) -> io::Result<Option<Leaf>> {
        if self.at.file == 0 {
            return Ok(None);
        }
        let path = self.log.path_of(self.at.file);
        let reader = match &mut self.open {
            Some(reader) => reader,
            closed => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(self.at.offset))?;
                closed.insert(BufReader::with_capacity(READ_AHEAD, file))
            }
        };
        self.buffer.clear();
        let read = reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut self.buffer);
        let (Ok(_), Some(line)) = (&read, self.buffer.strip_suffix(b"\n")) else {
            // Read anew next time: half a line is in the buffer.
            self.open = None;
            return read.map(|_| None);
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line).into_owned();
        let leaf = Leaf { index: self.index, file: self.at.file, text };
        self.index += 1;
        self.at.offset += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        Ok(Some(leaf))
    }

    /// The line, if it is the one in the tree. Without tiles it is not known, and believed.
    fn judged(&mut self, leaf: Leaf) -> Fed {
        match self.hash_at(leaf.index) {
            Some(hash) if hash != leaf.hash() => Fed::Lost(leaf.index..leaf.index + 1),
            _ => Fed::Leaf(leaf),
        }
    }

    fn hash_at(&mut self, index: u64) -> Option<Hash> {
        let place = usize::try_from(index % TILE).ok()?;
        let (number, hashes) = &self.tile;
        if *number != index / TILE || place >= hashes.len() {
            let id = TileId { level: 0, index: index / TILE };
            self.tile = (id.index, self.log.ledger().tile(id).unwrap_or_default());
        }
        self.tile.1.get(place).copied()
    }

    /// The file after the one with this id, as far as something in it is durable.
    fn file_after(&self, file: u32) -> io::Result<Option<u32>> {
        let files = self.log.files()?;
        Ok(files.into_iter().find(|id| *id > file && *id <= self.end.file))
    }

    /// Goes to the start of a file. Answers the lines that were to come before it.
    fn enter(&mut self, file: u32) -> io::Result<Option<Range<u64>>> {
        let start = self.start_of(file)?.filter(|start| *start > self.index);
        let lost = start.map(|start| self.index..start);
        self.index = start.unwrap_or(self.index);
        self.at = Position { file, offset: 0 };
        Ok(lost)
    }

    /// The index of the first line of a file, by its second one, which no other file has: it brings
    /// the file's key. `None` where the tree does not tell.
    fn start_of(&self, file: u32) -> io::Result<Option<u64>> {
        let head = BufReader::new(File::open(self.log.path_of(file))?.take(2 * LINE_LIMIT));
        let Some(second) = head.split(b'\n').nth(1).transpose()? else { return Ok(None) };
        let wanted = Hash::of_leaf(second.strip_suffix(b"\r").unwrap_or(&second));
        let ledger = self.log.ledger();
        for index in self.index / TILE..=ledger.extent().0 / TILE {
            // Tiles that are not there are made anew at the next start.
            let Ok(tile) = ledger.tile(TileId { level: 0, index }) else { continue };
            let place = (index * TILE..).zip(tile).find(|(_, leaf)| *leaf == wanted);
            if let Some((place, _)) = place {
                return Ok(place.checked_sub(1));
            }
        }
        Ok(None)
    }
}

const READ_AHEAD: usize = 1 << 16;
