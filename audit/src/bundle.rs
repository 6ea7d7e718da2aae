//! The lines themselves in bundles of 256 (`tile/entries` of C2SP tlog-tiles), read from the files.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::disk::{self, Directory, Disk};
use crate::ledger::{Ledger, Position};
use crate::proofs::ProofError;
use crate::tree::{Hash, TILE, TileId, Tiles};

/// Knows where in the files each bundle begins, as far as anybody has asked: 16 bytes for 256 lines.
pub(crate) struct Bundles {
    directory: Directory,
    known: Mutex<Known>,
}

/// What was read so far, from the first line of the first file on.
#[derive(Default)]
struct Known {
    /// Where the lines 0, 256, 512, … begin.
    begins: Vec<Position>,
    /// How many lines were read.
    read: u64,
    /// Where the next one begins.
    next: Position,
}

impl Bundles {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory: Directory(directory), known: Mutex::default() }
    }

    /// The lines of a bundle, by its path below `tile/entries/`: each after its length in two bytes,
    /// big-endian. `None` for what is no such path. Whoever asks first for lines of long ago waits
    /// until the files were read up to there.
    pub(crate) fn get(&self, ledger: &Ledger, path: &str) -> Option<Result<Vec<u8>, ProofError>> {
        let (id, count) = TileId::parse(&format!("0/{path}"))?;
        let size = ledger.published().map_or(0, |checkpoint| checkpoint.size());
        let first = id.index.checked_mul(TILE);
        let end = first.and_then(|first| first.checked_add(count)).filter(|end| *end <= size);
        let Some(end) = end else {
            return Some(Err(ProofError::NotYet { size }));
        };
        let lines = self.begin(id.index).and_then(|begin| self.lines(begin, count));
        Some(lines.map_err(ProofError::Damaged).and_then(|lines| {
            let leaves = ledger.tile(id)?;
            // Files are only files: nothing but what is in the tree may leave.
            let same = lines.iter().zip(&leaves).all(|(line, leaf)| Hash::of_leaf(line) == *leaf);
            match same && leaves.len() >= lines.len() {
                true => bundled(&lines),
                false => Err(ProofError::Damaged(changed(end))),
            }
        }))
    }

    /// Where the bundle begins.
    fn begin(&self, bundle: u64) -> io::Result<Position> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(bundle).map_err(io::Error::other)?;
        if known.begins.len() <= at {
            let Known { begins, read, next } = &mut *known;
            let stop = bundle.saturating_mul(TILE).saturating_add(1);
            walk(&self.directory, *next, |_, from, to| {
                if read.is_multiple_of(TILE) {
                    begins.push(from);
                }
                *read += 1;
                *next = to;
                *read < stop
            })?;
        }
        known.begins.get(at).copied().ok_or_else(|| changed(bundle.saturating_mul(TILE)))
    }

    fn lines(&self, begin: Position, count: u64) -> io::Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        let count = usize::try_from(count).map_err(io::Error::other)?;
        walk(&self.directory, begin, |line, _, _| {
            lines.push(line.to_vec());
            lines.len() < count
        })?;
        if lines.len() < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(lines) }
    }
}

/// Shows `see` the whole lines from `begin` on, without their ends, with where each begins and ends,
/// until it has seen enough or there are no more.
fn walk(
    directory: &Directory,
    begin: Position,
    mut see: impl FnMut(&[u8], Position, Position) -> bool,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    for id in disk::list(&directory.0)?.into_iter().filter(|id| *id >= begin.file) {
        let offset = if id == begin.file { begin.offset } else { 0 };
        let mut from = Position { file: id, offset };
        let mut reader = directory.read(id, offset)?;
        loop {
            buffer.clear();
            let read = reader.read_until(b'\n', &mut buffer)?;
            let Some(line) = buffer.strip_suffix(b"\n") else { break };
            let offset = from.offset + u64::try_from(read).unwrap_or(u64::MAX);
            let to = Position { file: id, offset };
            if !see(line.strip_suffix(b"\r").unwrap_or(line), from, to) {
                return Ok(());
            }
            from = to;
        }
    }
    Ok(())
}

fn bundled(lines: &[Vec<u8>]) -> Result<Vec<u8>, ProofError> {
    let mut bundle = Vec::new();
    for line in lines {
        let length =
            u16::try_from(line.len()).map_err(|_| io::Error::other("a line is too long"))?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(line);
    }
    Ok(bundle)
}

fn changed(line: u64) -> io::Error {
    let why = format!("the files do not hold the lines before {line} as they are in the tree");
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl std::fmt::Debug for Bundles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundles").finish_non_exhaustive()
    }
}
