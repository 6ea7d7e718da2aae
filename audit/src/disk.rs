//! What the log asks of a file system, and the real one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::held::{Displaced, HeldFile};

/// A directory of log files, named by their ids.
pub(crate) trait Disk: Send {
    /// The ids that are taken, ascending.
    fn list(&self) -> io::Result<Vec<u32>>;

    /// A new empty file for appending, which is no log file until it is named; fails with
    /// `AlreadyExists` if the id is taken.
    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>>;

    /// Takes away a file that never got its first entries.
    fn remove(&mut self, id: u32) -> io::Result<()>;

    /// When it returns, files keep the names they were given through a power cut.
    fn sync_directory(&mut self) -> io::Result<()>;

    /// How long a file is, in bytes.
    fn length(&self, id: u32) -> io::Result<u64>;

    /// Reads a file from `offset` on; fails with `UnexpectedEof` if it is shorter than that.
    fn read(&self, id: u32, offset: u64) -> io::Result<Box<dyn BufRead>>;

    /// When it returns, the file has this length, through a power cut too. Opens the file anew,
    /// so it may be used on one whose descriptor failed.
    fn cut(&mut self, id: u32, length: u64) -> io::Result<()>;

    /// Gives back the room behind the end of a file that a killed run had reserved.
    fn trim(&mut self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

/// The small files beside the log files, by their names.
pub(crate) trait Shelf: Send + Sync {
    /// What is under this name, if anything.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts `bytes` under this name, all of them or none, in place of what was there.
    fn put(&self, name: &str, bytes: &[u8], kept: Kept) -> io::Result<()>;
}

/// What a power cut may do to a file that was put on the shelf.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    /// It is there when `put` returned.
    Durably,
    /// It may be lost or cut: whoever reads it checks it.
    Loosely,
}

/// An open log file.
pub(crate) trait DiskFile: Send {
    /// Gives a new file the name of its id: from here on it is in the list.
    fn name(&mut self) -> io::Result<()>;

    /// Appends some of the bytes and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// When it returns, all that was written survives a power cut. After an error
    /// nobody knows what does, and a later success would prove nothing: the
    /// kernel reports a lost page once.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to this length; the next write goes there.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// What somebody else has done to it, where its name does not lead to this file with this
    /// length any more.
    fn look(&self, length: u64) -> io::Result<Option<Displaced>>;

    /// Puts its first `length` bytes, or as many as there are, back under its name, durably. What
    /// somebody has put in their place, or after them, goes into quarantine.
    fn rescue(&mut self, length: u64) -> io::Result<()>;
}

/// A directory of the host.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<u32>> {
        list(&self.0)
    }

    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(HeldFile::create(path_of(&self.0, id))?))
    }

    fn remove(&mut self, id: u32) -> io::Result<()> {
        let path = path_of(&self.0, id);
        match fs::remove_file(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => HeldFile::discard(&path),
            other => other,
        }
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn length(&self, id: u32) -> io::Result<u64> {
        Ok(fs::metadata(path_of(&self.0, id))?.len())
    }

    fn read(&self, id: u32, offset: u64) -> io::Result<Box<dyn BufRead>> {
        let mut file = File::open(path_of(&self.0, id))?;
        if file.metadata()?.len() < offset {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(BufReader::with_capacity(READ_AHEAD, file)))
    }

    fn cut(&mut self, id: u32, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path_of(&self.0, id))?;
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        file.sync_all()
    }

    fn trim(&mut self, id: u32) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path_of(&self.0, id))?;
        let now = file.metadata()?;
        // Blocks are 512 bytes here; a file may end within the last of its file system's own.
        if now.blocks().saturating_mul(512) > now.len().saturating_add(now.blksize()) {
            file.set_len(now.len())?;
        }
        Ok(())
    }
}

impl Shelf for Directory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.0.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(SHELF_LIMIT).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn put(&self, name: &str, bytes: &[u8], kept: Kept) -> io::Result<()> {
        let path = self.0.join(name);
        let folder = path.parent().unwrap_or(&self.0);
        if !folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let fresh = self.0.join(format!("{name}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(bytes)?;
        if kept == Kept::Durably {
            file.sync_all()?;
        }
        fs::rename(&fresh, &path)?;
        if kept == Kept::Durably {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// The log files in a directory, in the order of their lines.
///
/// # Errors
/// When it can't be read.
pub fn log_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(list(directory)?.into_iter().map(|id| path_of(directory, id)).collect())
}

/// A name in the directory that passes for that of a log file and is none, or is not that of a plain
/// file, if there is one.
pub(crate) fn stranger(directory: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, plain) = (entry.file_name(), entry.file_type()?.is_file());
        let name = name.to_string_lossy();
        if name.ends_with(".log") && (id_of(&name).is_none() || !plain) {
            return Ok(Some(name.into_owned()));
        }
    }
    Ok(None)
}

/// The ids of the log files in a directory, ascending; other names are passed over.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<u32>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(directory)? {
        ids.extend(entry?.file_name().to_str().and_then(id_of));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Where the file with this id is.
pub(crate) fn path_of(directory: &Path, id: u32) -> PathBuf {
    directory.join(format!("{id:08x}.log"))
}

fn id_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".log")?;
    let plain = digits.len() == 8 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if plain { u32::from_str_radix(digits, 16).ok() } else { None }
}

const READ_AHEAD: usize = 1 << 16;

/// No file beside the log files is as long: a longer one is not read to its end.
const SHELF_LIMIT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ids() {
        assert_eq!(id_of("62310b2b.log"), Some(0x6231_0b2b));
        for other in ["62310B2B.log", "62310b2b.log.gz", "2310b2b.log", "+2310b2b.log", ".log"] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }
}
