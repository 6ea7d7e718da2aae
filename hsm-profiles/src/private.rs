//! Files with secrets in them.

use std::env;
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Opens a file that nobody but its owner may read. What is looked at is the open file, so that it
/// can't be another one by then.
///
/// The service manager's credentials are private by the folder that they are in; it lets the
/// daemon's user in by an access list, which shows as a right of the group.
///
/// # Errors
/// What the file system says, and where others may read it.
pub fn open_private(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let credentials = env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty());
    let is_credential = credentials.is_some_and(|folder| path.starts_with(folder));
    let not_for = if is_credential { 0o007 } else { 0o077 };
    match file.metadata()?.permissions().mode() & not_for {
        0 => Ok(file),
        _ => Err(io::Error::other("others may read it: chmod 600 it")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_not_opened() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(open_private(file.path()).is_ok(), good, "{mode:o}");
        }
        assert!(open_private(Path::new("/nowhere/pin")).is_err());
    }
}
