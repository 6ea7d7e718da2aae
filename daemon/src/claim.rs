//! One process at a time works with a state file: what two of them wrote into the state, the token
//! and the log would contradict each other for ever after.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::startup::StartFault;

/// The right to work with a state file: an exclusive lock on the file `<state file>.lock` beside it,
/// which ends with the value, and with the process however that ends. SQLite locks the state file
/// itself for a moment only, and lets others in.
#[derive(Debug)]
pub struct Claim {
    _held: File,
}

impl Claim {
    /// Claims the state file at `path`, which need not be there yet; its folder has to.
    ///
    /// # Errors
    /// [`StartFault::InUse`] where another process has it, [`StartFault::Claim`] where the file that
    /// stands for it can't be made or locked.
    pub fn on(path: &Path) -> Result<Self, StartFault> {
        let file = beside(path);
        let fault = |error| StartFault::Claim(file.display().to_string(), error);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let held = options.open(&file).map_err(fault)?;
        match held.try_lock() {
            Ok(()) => Ok(Self { _held: held }),
            Err(TryLockError::WouldBlock) => Err(StartFault::InUse(path.display().to_string())),
            Err(TryLockError::Error(error)) => Err(fault(error)),
        }
    }
}

/// It is never removed: whoever came between would lock a file that others no longer see.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_state_file_is_claimed_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let first = Claim::on(&path).unwrap();
        let mode = beside(&path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Claim::on(&path).unwrap_err();
        assert!(matches!(&second, StartFault::InUse(name) if name.ends_with("state.db")));
        drop(first);
        Claim::on(&path).unwrap();
        let nowhere = Claim::on(Path::new("/nowhere/state.db")).unwrap_err();
        assert!(nowhere.to_string().contains("/nowhere/state.db.lock"), "{nowhere}");
    }
}
