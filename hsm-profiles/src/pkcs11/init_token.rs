//! Making a fresh token, for the first run.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cryptoki::context::Pkcs11;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use nix::sys::stat::{Mode, umask};
use zeroize::Zeroizing;

use super::errors::Failure;
use super::module::{initialise, locate};
use crate::profile::{Profile, StoreKind};

/// Where the files of a token are that [`init_token`] makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenFiles {
    /// The variable that has to name `conf`, for the worker and for [`init_token`].
    pub variable: &'static str,
    /// The module's configuration.
    pub conf: PathBuf,
    /// The keys: SoftHSM's directory, or the SQLite file of Kryoptic.
    pub store: PathBuf,
    /// The user PIN, one line, mode 0600.
    pub pin_file: PathBuf,
    /// The security officer's PIN, one line, mode 0600. The daemon never needs it: keep it away.
    pub so_pin_file: PathBuf,
}

impl TokenFiles {
    /// The files under `dir`, whether they are there yet or not; `None` for a kind of token that is
    /// not made here.
    pub fn under(dir: &Path, kind: StoreKind) -> Option<Self> {
        let (variable, conf) = kind.configuration()?;
        let tokens = dir.join("tokens");
        Some(Self {
            variable,
            conf: dir.join(conf),
            store: if kind == StoreKind::Kryoptic { tokens.join("token.sql") } else { tokens },
            pin_file: dir.join("pin"),
            so_pin_file: dir.join("so-pin"),
        })
    }
}

/// Makes a token with this label under `dir`, which is created if need be: its configuration, its
/// store, and two random PINs of 128 bits in hexadecimal. `module` is the PKCS#11 module where it is
/// not the profile's. It has to be the first use of PKCS#11 in its process, of which it changes the
/// umask, and [`TokenFiles::variable`] has to name [`TokenFiles::conf`] already. The module is
/// finalised afterwards.
///
/// # Errors
/// [`InitError`]. A token that is there already is never touched.
pub fn init_token(
    profile: &Profile,
    module: Option<&Path>,
    label: &str,
    dir: &Path,
) -> Result<TokenFiles, InitError> {
    let dir = std::path::absolute(dir)?;
    let files = TokenFiles::under(&dir, profile.store)
        .ok_or_else(|| InitError::NotOurs(profile.title.clone()))?;
    if env::var_os(files.variable).as_deref() != Some(files.conf.as_os_str()) {
        let TokenFiles { variable, conf, .. } = files;
        return Err(InitError::Environment { variable, conf });
    }
    // Modules make their files for everybody to read, if they are let.
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let tokens = dir.join("tokens");
    DirBuilder::new().recursive(true).mode(0o700).create(&tokens)?;
    write_new(&files.conf, configuration(profile.store, &files.store)?.as_bytes())?;
    let (so_pin, pin) = (random_pin()?, random_pin()?);
    write_new(&files.so_pin_file, so_pin.as_bytes())?;
    write_new(&files.pin_file, pin.as_bytes())?;
    let path = locate(profile, module).map_err(refused)?;
    let context = initialise(&path).map_err(refused)?;
    make(&context, label, (so_pin.trim_end(), pin.trim_end())).map_err(refused)?;
    context.finalize().map_err(refused)?;
    sync_directory(&tokens)?;
    sync_directory(&dir)?;
    Ok(files)
}

/// What the module is to read.
fn configuration(kind: StoreKind, store: &Path) -> Result<String, InitError> {
    let store = store.to_str().ok_or(InitError::Path)?;
    Ok(match kind {
        StoreKind::Kryoptic => {
            let store = toml::Value::from(store);
            format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = {store}\n")
        }
        StoreKind::Elsewhere | StoreKind::Softhsm2 => format!(
            "directories.tokendir = {store}\nobjectstore.backend = file\nlog.level = ERROR\n\
             slots.removable = false\n"
        ),
    })
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The module would look elsewhere.
    #[error("{variable} does not name {}: set it before the process starts", conf.display())]
    Environment {
        /// The variable that the module looks at.
        variable: &'static str,
        /// What it has to name.
        conf: PathBuf,
    },
    /// A file can't be made.
    #[error("its files can't be written: {0}; take an empty directory of your own")]
    Files(#[from] io::Error),
    /// Only tokens in files are made here.
    #[error("a token of {0} is made with its vendor's tool: make it, then name its label")]
    NotOurs(String),
    /// Its configuration is a text.
    #[error("the path of its directory is not UTF-8: take another one")]
    Path,
    /// The system gives no random numbers.
    #[error("the system has no random numbers: {0}")]
    Random(String),
    /// The module refuses.
    #[error("the module refuses: {0}")]
    Token(String),
}

fn make(context: &Pkcs11, label: &str, (so_pin, pin): (&str, &str)) -> Result<(), Failure> {
    let (so_pin, pin) = (AuthPin::from(so_pin), AuthPin::from(pin));
    let slots = context.get_slots_with_token()?;
    let free = slots
        .into_iter()
        .find(|slot| context.get_token_info(*slot).is_ok_and(|info| !info.token_initialized()));
    let slot = free.ok_or_else(|| Failure::Absent("no slot is free for a new token".into()))?;
    context.init_token(slot, &so_pin, label)?;
    let session = context.open_rw_session(slot)?;
    session.login(UserType::So, Some(&so_pin))?;
    session.init_pin(&pin)?;
    Ok(session.logout()?)
}

/// 128 bits in hexadecimal, and a line break.
fn random_pin() -> Result<Zeroizing<String>, InitError> {
    let mut bytes = Zeroizing::new([0_u8; 16]);
    getrandom::fill(bytes.as_mut()).map_err(|error| InitError::Random(error.to_string()))?;
    let mut pin = Zeroizing::new(String::with_capacity(2 * bytes.len() + 1));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            pin.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    pin.push('\n');
    Ok(pin)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.is_dir() {
            sync_directory(&entry)?;
        } else {
            File::open(&entry)?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}

fn refused(failure: impl std::fmt::Display) -> InitError {
    InitError::Token(failure.to_string())
}
