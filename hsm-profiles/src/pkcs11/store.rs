//! Where a token keeps its keys on this machine.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::spare;
use crate::profile::StoreKind;

/// The files of a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    /// What the module reads its configuration from.
    pub(crate) configuration: Option<PathBuf>,
    /// The directories that it writes to.
    pub(crate) directories: Vec<PathBuf>,
    /// A file in their folders that the module rewrites in place, and can't do without.
    fragile: Option<&'static str>,
}

impl Store {
    /// What the environment says of a store of this kind.
    pub(crate) fn of(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Elsewhere => Self::default(),
            StoreKind::Kryoptic => Self::kryoptic(),
            StoreKind::Softhsm2 => Self::softhsm2(),
        }
    }

    /// Syncs every file that was changed since `start`, and the directories that name them.
    pub(crate) fn sync(&self, start: SystemTime) -> io::Result<()> {
        // Timestamps of files come from a coarser clock than ours.
        let since = start.checked_sub(Duration::from_secs(2)).unwrap_or(start);
        self.directories.iter().try_for_each(|directory| sync_tree(directory, since))
    }

    /// Syncs the directories, whenever they were changed.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        self.directories.iter().try_for_each(|directory| sync_folders(directory))
    }

    /// To be called before the module looks: mends what a login that was cut off left.
    pub(super) fn put_back(&self) {
        self.each_fragile(spare::put_back);
    }

    /// To be called before a login.
    pub(super) fn keep_spare(&self) {
        self.each_fragile(spare::keep);
    }

    /// Where this can't be done the token may be as good as ever.
    fn each_fragile(&self, act: impl Fn(&Path, &str) -> io::Result<()>) {
        let Some(name) = self.fragile else { return };
        for directory in &self.directories {
            if let Err(error) = act(directory, name) {
                let directory = directory.display();
                tracing::warn!(%directory, "no spare copy of {name} can be kept: {error}");
            }
        }
    }

    fn softhsm2() -> Self {
        let home = env::home_dir().map(|home| home.join(".config/softhsm2/softhsm2.conf"));
        let configuration = env::var_os("SOFTHSM2_CONF")
            .map(PathBuf::from)
            .or_else(|| home.filter(|path| path.exists()))
            .unwrap_or_else(|| PathBuf::from("/etc/softhsm/softhsm2.conf"));
        let directories = fs::read_to_string(&configuration)
            .ok()
            .and_then(|text| token_directory(&text))
            .into_iter()
            .collect();
        Self { configuration: Some(configuration), directories, fragile: Some("token.object") }
    }

    fn kryoptic() -> Self {
        let configuration = env::var_os("KRYOPTIC_CONF").map(PathBuf::from);
        let directories = configuration
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok())
            .map(|text| database_directories(&text))
            .unwrap_or_default();
        Self { configuration, directories, fragile: None }
    }
}

/// `directories.tokendir` of a `softhsm2.conf`.
fn token_directory(text: &str) -> Option<PathBuf> {
    text.lines()
        .filter_map(|line| line.split('#').next().and_then(|line| line.split_once('=')))
        .find(|(name, _)| name.trim() == "directories.tokendir")
        .map(|(_, value)| PathBuf::from(value.trim()))
}

/// The directories of the `dbargs` of a `kryoptic.conf`.
fn database_directories(text: &str) -> Vec<PathBuf> {
    let table: toml::Table = text.parse().unwrap_or_default();
    let slots = table.get("slots").and_then(toml::Value::as_array);
    slots
        .into_iter()
        .flatten()
        .filter_map(|slot| slot.get("dbargs")?.as_str())
        .filter_map(|file| Path::new(file).parent().map(Path::to_owned))
        .collect()
}

fn sync_tree(directory: &Path, since: SystemTime) -> io::Result<()> {
    let mut changed = false;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = match entry.metadata() {
            Ok(about) => about,
            // Another thread destroyed it in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if about.is_dir() {
            sync_tree(&entry.path(), since)?;
        } else if about.modified()? >= since {
            changed = true;
            sync_file(&entry.path())?;
        }
    }
    if changed || fs::metadata(directory)?.modified()? >= since {
        sync_file(directory)?;
    }
    Ok(())
}

fn sync_folders(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_file(directory)
}

fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_are_found_in_the_configuration() {
        let text =
            "# directories.tokendir = /no\nlog.level=INFO\ndirectories.tokendir = /a/b # c\n";
        assert_eq!(token_directory(text), Some(PathBuf::from("/a/b")));
        assert_eq!(token_directory("log.level = INFO"), None);
        let text = "[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"/a/b/t.sql\"\n";
        assert_eq!(database_directories(text), [PathBuf::from("/a/b")]);
    }
}
