//! Making a fresh token, for the first run.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cryptoki::context::Pkcs11;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use super::errors::Failure;
use super::module::{initialise, locate};
use crate::profile::{BadProfile, Profile, StoreKind};

/// Where the files of a token are that [`init_token`] makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenFiles {
    /// `softhsm2.conf`: `SOFTHSM2_CONF` has to name it for the worker and for [`init_token`].
    pub conf: PathBuf,
    /// The user PIN, one line, mode 0600.
    pub pin_file: PathBuf,
    /// The security officer's PIN, one line, mode 0600. The daemon never needs it: keep it away.
    pub so_pin_file: PathBuf,
}

impl TokenFiles {
    /// The files under `dir`, whether they are there yet or not.
    pub fn under(dir: &Path) -> Self {
        Self {
            conf: dir.join("softhsm2.conf"),
            pin_file: dir.join("pin"),
            so_pin_file: dir.join("so-pin"),
        }
    }
}

/// Makes a token with this label under `dir`, which is created if need be: its configuration, its
/// store, and two random PINs of 128 bits in hexadecimal. It has to be the first use of PKCS#11 in
/// its process, and `SOFTHSM2_CONF` has to name [`TokenFiles::conf`] already.
///
/// # Errors
/// [`InitError`]. A token that is there already is never touched.
pub fn init_token(profile: &Profile, label: &str, dir: &Path) -> Result<TokenFiles, InitError> {
    if profile.store != StoreKind::Softhsm2 {
        return Err(InitError::NotOurs(profile.title.clone()));
    }
    let files = TokenFiles::under(dir);
    if env::var_os("SOFTHSM2_CONF").as_deref() != Some(files.conf.as_os_str()) {
        return Err(InitError::Environment(files.conf));
    }
    let tokens = std::path::absolute(dir)?.join("tokens");
    DirBuilder::new().recursive(true).mode(0o700).create(&tokens)?;
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n\
         slots.removable = false\n",
        tokens.display()
    );
    write_new(&files.conf, text.as_bytes())?;
    let (so_pin, pin) = (random_pin()?, random_pin()?);
    write_new(&files.so_pin_file, so_pin.as_bytes())?;
    write_new(&files.pin_file, pin.as_bytes())?;
    let path = locate(profile, None).map_err(refused)?;
    let context = initialise(&path).map_err(refused)?;
    make(&context, label, (so_pin.trim_end(), pin.trim_end())).map_err(refused)?;
    sync_directory(&tokens)?;
    sync_directory(dir)?;
    Ok(files)
}

/// [`init_token`] as the whole of a process: says what went wrong on stderr and fails with 1.
pub fn init_token_main(profile: &str, label: &str, dir: &Path) -> ExitCode {
    let made = Profile::load(profile)
        .map_err(InitError::from)
        .and_then(|profile| init_token(&profile, label, dir));
    match made {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the token can't be made: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The module would look elsewhere.
    #[error("SOFTHSM2_CONF does not name {}: set it before the process starts", .0.display())]
    Environment(PathBuf),
    /// A file can't be made.
    #[error("its files can't be written: {0}; take an empty directory of your own")]
    Files(#[from] io::Error),
    /// Only SoftHSM tokens are made here.
    #[error("a token of {0} is made with its vendor's tool: make it, then name its label")]
    NotOurs(String),
    /// There is no such profile.
    #[error(transparent)]
    Profile(#[from] BadProfile),
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
