//! Bearer tokens on disk: one 0600 file for each pair of daemon and scope, in a 0700 directory.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};

/// The directory of stored tokens.
#[derive(Debug)]
pub(crate) struct TokenStore {
    directory: PathBuf,
}

/// A token, and where and for what it is good.
#[derive(Clone, Debug)]
pub(crate) struct StoredToken {
    /// Origin of the daemon, `https://host[:port]`.
    pub(crate) url: String,
    /// Root certificate used at login: an absolute path.
    pub(crate) ca: Option<PathBuf>,
    /// The scopes of the token, with spaces between.
    pub(crate) scope: String,
    /// Unix seconds.
    pub(crate) expires_at: u64,
    /// The bearer token.
    pub(crate) token: SecretString,
}

impl TokenStore {
    /// The user's store: `$XDG_STATE_HOME/claviger`, or `~/.local/state/claviger`.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        let state = state.ok_or_else(|| {
            Failure::usage("no place for tokens: neither XDG_STATE_HOME nor HOME is set")
                .hint("set XDG_STATE_HOME to an absolute path")
        })?;
        Ok(Self::at(state.join("claviger")))
    }

    /// A store in a directory of choice; it is made when the first token is saved.
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Saves the token in place of an earlier one of the same daemon and scope. Returns its file.
    pub(crate) fn save(&self, token: &StoredToken) -> Result<PathBuf, Failure> {
        let path = self.directory.join(file_name(token));
        self.write(&path, token).map_err(|error| {
            Failure::unexpected(format!("cannot store the token in {}: {error}", path.display()))
                .hint("make the directory writable, or use --print")
        })?;
        Ok(path)
    }

    /// All stored tokens, expired ones too. A file that others could have read is refused.
    pub(crate) fn load(&self) -> Result<Vec<StoredToken>, Failure> {
        self.files()?.iter().map(|path| read(path)).collect()
    }

    /// Removes the tokens of one daemon, or all of them. Returns how many.
    pub(crate) fn remove(&self, url: Option<&str>) -> Result<usize, Failure> {
        let mut removed = 0;
        for path in self.files()? {
            // without a daemon nothing needs to be read: files that can't be go too
            if let Some(url) = url
                && read(&path)?.url != url
            {
                continue;
            }
            fs::remove_file(&path).map_err(|error| unusable(&path, &error.to_string()))?;
            removed += 1;
        }
        Ok(removed)
    }

    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unusable(&self.directory, &error.to_string())),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| unusable(&self.directory, &error.to_string()))?;
        paths.retain(|path| path.extension() == Some(OsStr::new(EXTENSION)));
        paths.sort();
        Ok(paths)
    }

    fn write(&self, path: &Path, token: &StoredToken) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let draft = path.with_extension(format!("draft-{}", process::id()));
        let written = write_draft(&draft, token).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            // the first error is the one to tell
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

/// The form on disk.
#[derive(Deserialize, Serialize)]
struct Record {
    url: String,
    ca: Option<PathBuf>,
    scope: String,
    expires_at: u64,
    token: Zeroizing<String>,
}

fn write_draft(draft: &Path, token: &StoredToken) -> io::Result<()> {
    let record = Record {
        url: token.url.clone(),
        ca: token.ca.clone(),
        scope: token.scope.clone(),
        expires_at: token.expires_at,
        token: Zeroizing::new(token.token.expose_secret().to_owned()),
    };
    let text = Zeroizing::new(serde_json::to_vec_pretty(&record)?);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(&text)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<StoredToken, Failure> {
    let mut file = File::open(path).map_err(|error| unusable(path, &error.to_string()))?;
    let meta = file.metadata().map_err(|error| unusable(path, &error.to_string()))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(unusable(path, &format!("its mode is {mode:04o}, others may have read it")));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|error| unusable(path, &error.to_string()))?;
    let record: Record = serde_json::from_str(&text)
        .map_err(|error| unusable(path, &format!("line {}: not a token file", error.line())))?;
    Ok(StoredToken {
        url: record.url,
        ca: record.ca,
        scope: record.scope,
        expires_at: record.expires_at,
        token: record.token.as_str().into(),
    })
}

fn file_name(token: &StoredToken) -> String {
    let mut digest = Sha256::new();
    digest.update(token.url.as_bytes());
    digest.update([0]);
    digest.update(token.scope.as_bytes());
    let name: String = digest.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("{name}.{EXTENSION}")
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Kind::Usage, format!("stored token {}: {why}", path.display()))
        .hint("`claviger logout` removes all stored tokens; then log in again")
}

const EXTENSION: &str = "json";

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use secrecy::ExposeSecret;

    use super::{StoredToken, TokenStore};

    #[test]
    fn tokens_are_private_and_come_back_whole() {
        let home = tempfile::tempdir().unwrap();
        let store = TokenStore::at(home.path().join("state/claviger"));
        assert!(store.load().unwrap().is_empty());
        let path = store.save(&token("https://a", "keymgmt:gen", "first")).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        store.save(&token("https://a", "keymgmt:gen", "second")).unwrap();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.len(), 1, "a new login replaces the old token");
        assert_eq!(loaded[0].token.expose_secret(), "second");
        assert_eq!(loaded[0].ca.as_deref(), Some(Path::new("/etc/ca.pem")));
        assert_eq!((loaded[0].scope.as_str(), loaded[0].expires_at), ("keymgmt:gen", 99));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let store = TokenStore::at(home.path().into());
        let path = store.save(&token("https://a", "s", "t")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let message = store.load().unwrap_err().to_string();
        assert!(message.contains("0640"), "{message}");
        assert_eq!(store.remove(None).unwrap(), 1);
    }

    #[test]
    fn logout_removes_what_it_should() {
        let home = tempfile::tempdir().unwrap();
        let store = TokenStore::at(home.path().into());
        for (url, scope) in [("https://a", "x"), ("https://a", "y"), ("https://b", "x")] {
            store.save(&token(url, scope, "t")).unwrap();
        }
        assert_eq!(store.remove(Some("https://a")).unwrap(), 2);
        assert_eq!(store.load().unwrap()[0].url, "https://b");
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let text = format!("{:?}", token("https://a", "s", "very-secret"));
        assert!(!text.contains("very-secret"), "{text}");
    }

    fn token(url: &str, scope: &str, token: &str) -> StoredToken {
        StoredToken {
            url: url.into(),
            ca: Some("/etc/ca.pem".into()),
            scope: scope.into(),
            expires_at: 99,
            token: token.into(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }
}
