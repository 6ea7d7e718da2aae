//! Where a reader of the log stands, to be kept over restarts.

use std::fmt;
use std::io;
use std::str::FromStr;

use crate::disk::{Directory, Kept, Shelf};
use crate::ledger::Position;
use crate::log::Log;

/// A place between two lines of one log. Displayed it is one line: the log's name, the index of
/// the next line, the file's id in hex and the offset in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    pub(crate) origin: String,
    pub(crate) index: u64,
    pub(crate) position: Position,
}

impl Cursor {
    /// The index of the next line.
    pub fn index(&self) -> u64 {
        self.index
    }
}

impl Log {
    /// The cursor that was kept under `name` beside the log files. `None` where there is none, or
    /// what is there is none.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn cursor(&self, name: &str) -> io::Result<Option<Cursor>> {
        let kept = Directory(self.directory().to_owned()).get(&file_of(name))?;
        Ok(kept.and_then(|bytes| String::from_utf8(bytes).ok()?.trim_end().parse().ok()))
    }

    /// Keeps `cursor` under `name` beside the log files, durably, in place of the one before.
    ///
    /// # Errors
    /// When it can't be written; the one before, or this one, is there then.
    pub fn keep_cursor(&self, name: &str, cursor: &Cursor) -> io::Result<()> {
        let text = format!("{cursor}\n");
        let shelf = Directory(self.directory().to_owned());
        shelf.put(&file_of(name), text.as_bytes(), Kept::Durably)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, index, position: Position { file, offset } } = self;
        write!(f, "{origin} {index} {file:08x} {offset}")
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let parts: Vec<_> = text.split(' ').collect();
        let [origin, index, file, offset] = parts.as_slice() else { return Err(NoCursor) };
        let file = u32::from_str_radix(file, 16).map_err(|_| NoCursor)?;
        let offset = offset.parse().map_err(|_| NoCursor)?;
        let index = index.parse().map_err(|_| NoCursor)?;
        Ok(Self { origin: (*origin).to_owned(), index, position: Position { file, offset } })
    }
}

/// The text is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a cursor is a name, an index, a file id in hex and an offset, with spaces between")]
pub struct NoCursor;

fn file_of(name: &str) -> String {
    format!("{name}.cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back() {
        let text = "claviger/3fd2a7c01b7c9e55/1 1207 62310b2b 99";
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!((cursor.index(), cursor.position.offset), (1207, 99));
        assert_eq!(cursor.to_string(), text);
        for bad in ["", "a 1 2", "a 1 2 3 4", "a x 2 3", "a 1 x 3", "a 1 2 x"] {
            assert_eq!(bad.parse::<Cursor>(), Err(NoCursor), "{bad}");
        }
    }
}
