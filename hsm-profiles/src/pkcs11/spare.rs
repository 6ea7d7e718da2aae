//! A spare copy of the file that a SoftHSM token stands and falls with.
//!
//! SoftHSM writes `token.object` anew at every login: it cuts the file to nothing, then writes it. A
//! process that ends in between (`kill -9`, a power cut) leaves nothing, and without the key in that
//! file no object of the token can be read any more. So the file is copied before a login, and put
//! back where it is found empty.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Puts `name` back, from its spare copy, in every folder of `directory` where it is empty, before the
/// module looks.
pub(super) fn put_back(directory: &Path, name: &str) -> io::Result<()> {
    for folder in folders(directory)? {
        let file = folder.join(name);
        let is_torn = fs::read(&file).is_ok_and(|bytes| says_nothing(&bytes));
        if let (true, Ok(spare)) = (is_torn, fs::read(folder.join(spare_of(name))))
            && !says_nothing(&spare)
        {
            put(&folder, name, &spare)?;
            tracing::warn!(file = %file.display(), "a login was cut off: the token's file is put back");
        }
    }
    Ok(())
}

/// Sees to it that every folder of `directory` with a `name` has a copy of it that says the same.
pub(super) fn keep(directory: &Path, name: &str) -> io::Result<()> {
    for folder in folders(directory)? {
        let Ok(bytes) = fs::read(folder.join(name)) else { continue };
        let spare = fs::read(folder.join(spare_of(name))).unwrap_or_default();
        if !says_nothing(&bytes) && content(&bytes) != content(&spare) {
            put(&folder, &spare_of(name), &bytes)?;
        }
    }
    Ok(())
}

fn folders(directory: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

/// Cut to nothing, or never written to the disk by a system that lost its power.
fn says_nothing(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// What comes after the count of changes, which every login raises.
fn content(bytes: &[u8]) -> &[u8] {
    bytes.get(COUNT..).unwrap_or_default()
}

/// The whole file or the one before, never a part, whatever happens.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let coming = folder.join(format!("{name}.coming"));
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&coming)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&coming, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// SoftHSM takes no notice of files with this ending.
fn spare_of(name: &str) -> String {
    format!("{name}.spare")
}

/// Bytes.
const COUNT: usize = 8;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "what a test writes need not outlive a crash")]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_cut_to_nothing_comes_back() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a-token");
        fs::create_dir(&folder).unwrap();
        let (file, spare) = (folder.join("token.object"), folder.join("token.object.spare"));
        let both = || {
            put_back(home.path(), "token.object").unwrap();
            keep(home.path(), "token.object").unwrap();
        };
        both();
        assert!(!file.exists() && !spare.exists());
        fs::write(&file, b"00000001first").unwrap();
        both();
        assert_eq!(fs::read(&spare).unwrap(), b"00000001first");
        // A login changes the count alone: nothing to be written.
        fs::write(&file, b"00000002first").unwrap();
        both();
        assert_eq!(fs::read(&spare).unwrap(), b"00000001first");
        for torn in [&[][..], &[0; 320]] {
            fs::write(&file, torn).unwrap();
            both();
            assert_eq!(fs::read(&file).unwrap(), b"00000001first");
        }
        // Another PIN, say.
        fs::write(&file, b"00000003second").unwrap();
        both();
        assert_eq!(fs::read(&spare).unwrap(), b"00000003second");
        assert_eq!(fs::read(&file).unwrap(), b"00000003second");
        assert!(put_back(&home.path().join("none"), "token.object").is_err());
    }
}
