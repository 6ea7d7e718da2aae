//! A log file that is held open while its name is watched: what is written to a file that somebody
//! has deleted, replaced or cut is written for nobody.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::fstatvfs;

use crate::disk::DiskFile;

/// What somebody has done to the file that is being written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Displaced {
    /// Its name leads nowhere.
    Deleted,
    /// Somebody else wrote to it.
    Grown { expected: u64, found: u64 },
    /// Its name leads to another file.
    Replaced,
    /// It was cut: lines are lost.
    Truncated { expected: u64, found: u64 },
}

impl fmt::Display for Displaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("deleted"),
            Self::Grown { expected, found } => write!(f, "grown to {found} from {expected} bytes"),
            Self::Replaced => f.write_str("replaced"),
            Self::Truncated { expected, found } => {
                write!(f, "truncated to {found} of {expected} bytes")
            }
        }
    }
}

/// An open file of the host, and where it should be found.
pub(crate) struct HeldFile {
    file: File,
    path: PathBuf,
    /// Bytes that may be written before more room is reserved.
    ahead: u64,
}

impl HeldFile {
    /// A new empty file with mode 0600, for `path` when it is named; fails with `AlreadyExists` where
    /// there is one. What a crash leaves of it before that is taken away by the next.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        if fs::symlink_metadata(&path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Self::discard(&path)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        let file = options.open(path.with_file_name(BEGUN))?;
        Ok(Self { file, path, ahead: 0 })
    }

    /// Takes away a file for `path` that was not named, if there is one.
    pub(crate) fn discard(path: &Path) -> io::Result<()> {
        match fs::remove_file(path.with_file_name(BEGUN)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Whether the name leads to another file, to this one, or nowhere.
    fn named(&self) -> io::Result<Named> {
        let own = self.file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
                Ok(Named::This(own.len()))
            }
            Ok(_) => Ok(Named::Other),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Named::Nothing),
            Err(e) => Err(e),
        }
    }

    /// Has the file system set aside room behind the end of the file, whose length stays what it is:
    /// a disk that fills up is felt when room is reserved, while the lines at hand still have theirs.
    /// Where there is little room, or the file system knows no such thing, each write sees for itself.
    fn reserve(&mut self) {
        let end = self.file.metadata().ok().and_then(|now| i64::try_from(now.len()).ok());
        if let Some(end) = end.filter(|_| self.has_plenty()) {
            let behind = FallocateFlags::FALLOC_FL_KEEP_SIZE;
            let _ = fallocate(&self.file, behind, end, i64::from(SEGMENT));
        }
        self.ahead = u64::from(SEGMENT);
    }

    /// Whether what is reserved is missing to nobody else on that file system.
    fn has_plenty(&self) -> bool {
        fstatvfs(&self.file).is_ok_and(|found| {
            found.blocks_available().saturating_mul(found.fragment_size()) >= PLENTY
        })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A name in `quarantine` that nobody has taken, such as `62310ba5-foreign-1`.
    fn aside(&self) -> io::Result<PathBuf> {
        let folder = self.folder().join("quarantine");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let mut names = (1..=u32::MAX).map(|n| folder.join(format!("{stem}-foreign-{n}")));
        names.find(|name| !name.exists()).ok_or_else(|| io::ErrorKind::AlreadyExists.into())
    }

    /// Copies the bytes from `start` on, `count` at most, into a new file.
    fn copy(&mut self, (start, count): (u64, u64), to: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut copy = options.write(true).create(true).truncate(true).mode(0o600).open(to)?;
        self.file.seek(SeekFrom::Start(start))?;
        io::copy(&mut (&self.file).take(count), &mut copy)?;
        copy.sync_all()
    }
}

impl DiskFile for HeldFile {
    fn name(&mut self) -> io::Result<()> {
        fs::rename(self.path.with_file_name(BEGUN), &self.path)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.ahead < count {
            self.reserve();
        }
        self.ahead = self.ahead.saturating_sub(count);
        self.file.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.ahead = 0;
        self.file.set_len(length)
    }

    fn look(&self, expected: u64) -> io::Result<Option<Displaced>> {
        Ok(match self.named()? {
            Named::Nothing => Some(Displaced::Deleted),
            Named::Other => Some(Displaced::Replaced),
            Named::This(found) if found < expected => {
                Some(Displaced::Truncated { expected, found })
            }
            Named::This(found) if found > expected => Some(Displaced::Grown { expected, found }),
            Named::This(_) => None,
        })
    }

    fn rescue(&mut self, length: u64) -> io::Result<()> {
        let named = self.named()?;
        if let Named::This(found) = named {
            if found > length {
                let aside = self.aside()?;
                self.copy((length, u64::MAX), &aside)?;
                self.file.set_len(length)?;
            }
            return self.file.sync_all();
        }
        // Somebody may have taken the whole directory.
        DirBuilder::new().recursive(true).mode(0o700).create(self.folder())?;
        if let Named::Other = named {
            fs::rename(&self.path, self.aside()?)?;
        }
        let fresh = self.path.with_extension("log.new");
        self.copy((0, length), &fresh)?;
        fs::rename(&fresh, &self.path)?;
        File::open(self.folder())?.sync_all()
    }
}

/// What a name leads to.
enum Named {
    Nothing,
    Other,
    /// To the file itself, which is so long.
    This(u64),
}

/// The file that gets a log file's name once it begins as one does.
const BEGUN: &str = "begun.new";

/// How much room is reserved at a time: about 1,300 entries.
const SEGMENT: u32 = 256 << 10;

/// With less than so many bytes free, no room is reserved.
const PLENTY: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn held(folder: &Path) -> HeldFile {
        let mut file = HeldFile::create(folder.join("00000001.log")).unwrap();
        file.file.write_all(b"whole\r\n").unwrap();
        file.name().unwrap();
        file
    }

    #[test]
    fn what_is_done_to_a_file_is_seen_and_put_right() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("00000001.log");
        let foreign = home.path().join("quarantine/00000001-foreign-1");
        let (moved, expected) = (home.path().join("moved"), 7);
        type Deed = fn(&Path, &Path);
        let deeds: [(Deed, Displaced, &[u8]); 4] = [
            (|path, _| fs::remove_file(path).unwrap(), Displaced::Deleted, b""),
            (|path, moved| fs::rename(path, moved).unwrap(), Displaced::Deleted, b""),
            (
                |path, moved| {
                    fs::rename(path, moved).unwrap();
                    File::create(path).unwrap().write_all(b"other").unwrap();
                },
                Displaced::Replaced,
                b"other",
            ),
            (
                |path, _| {
                    let mut file = OpenOptions::new().append(true).open(path).unwrap();
                    file.write_all(b"more").unwrap();
                },
                Displaced::Grown { expected, found: 11 },
                b"more",
            ),
        ];
        for (deed, seen, aside) in deeds {
            let mut file = held(home.path());
            assert_eq!(file.look(expected).unwrap(), None);
            deed(&path, &moved);
            assert_eq!(file.look(expected).unwrap(), Some(seen));
            file.rescue(expected).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"whole\r\n", "{seen}");
            assert_eq!(fs::read(&foreign).unwrap_or_default(), aside, "{seen}");
            let _ = fs::remove_file(&foreign);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_file_that_was_never_named_leaves_nothing_and_a_taken_name_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("00000001.log");
        for life in 1..=2 {
            let mut file = HeldFile::create(path.clone()).unwrap();
            DiskFile::write(&mut file, format!("life {life}").as_bytes()).unwrap();
            assert!(!path.exists());
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        }
        drop(held(home.path()));
        let taken = HeldFile::create(path.clone()).err().unwrap();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"whole\r\n");
    }

    #[test]
    fn room_is_reserved_behind_the_end_and_given_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("00000001.log");
        let mut file = HeldFile::create(path.clone()).unwrap();
        let room = || fs::metadata(&path).unwrap().blocks() * 512;
        DiskFile::write(&mut file, b"whole\r\n").unwrap();
        file.sync().unwrap();
        file.name().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole\r\n");
        assert!(room() >= u64::from(SEGMENT), "{} bytes", room());
        // As much again is reserved when that is used up.
        for _ in 0..64 {
            DiskFile::write(&mut file, &[b'x'; 6000]).unwrap();
        }
        file.sync().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 7 + 64 * 6000);
        assert!(room() > 7 + 64 * 6000 + 100_000, "{} bytes", room());
        file.truncate(7 + 64 * 6000).unwrap();
        assert!(room() < 7 + 64 * 6000 + 8192, "{} bytes", room());
    }

    #[test]
    fn what_was_cut_off_stays_lost() {
        let home = tempfile::tempdir().unwrap();
        let mut file = held(home.path());
        OpenOptions::new().write(true).open(&file.path).unwrap().set_len(3).unwrap();
        let seen = Displaced::Truncated { expected: 7, found: 3 };
        assert_eq!(file.look(7).unwrap(), Some(seen));
        file.rescue(7).unwrap();
        assert_eq!(fs::read(&file.path).unwrap(), b"who");
        // A directory that is taken away comes back with the file.
        let folder = home.path().join("audit");
        fs::create_dir(&folder).unwrap();
        let mut file = held(&folder);
        fs::remove_dir_all(&folder).unwrap();
        file.rescue(7).unwrap();
        assert_eq!(fs::read(&file.path).unwrap(), b"whole\r\n");
    }
}
