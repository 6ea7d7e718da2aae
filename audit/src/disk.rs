//! What the log asks of a file system, and the real one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A directory of log files, named by their ids.
pub(crate) trait Disk: Send {
    /// The ids that are taken, ascending.
    fn list(&self) -> io::Result<Vec<u32>>;

    /// A new empty file for appending; fails with `AlreadyExists` if the id is taken.
    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>>;

    /// Takes away a file that never got its first entries.
    fn remove(&mut self, id: u32) -> io::Result<()>;

    /// When it returns, created files keep their names through a power cut.
    fn sync_directory(&mut self) -> io::Result<()>;
}

/// An open log file.
pub(crate) trait DiskFile: Send {
    /// Appends some of the bytes and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// When it returns, all that was written survives a power cut. After an error
    /// nobody knows what does, and a later success would prove nothing: the
    /// kernel reports a lost page once.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to this length; the next write goes there.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A directory of the host.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<u32>> {
        list(&self.0)
    }

    fn create(&mut self, id: u32) -> io::Result<Box<dyn DiskFile>> {
        let path = path_of(&self.0, id);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }

    fn remove(&mut self, id: u32) -> io::Result<()> {
        fs::remove_file(path_of(&self.0, id))
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl DiskFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
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
