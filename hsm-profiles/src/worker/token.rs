//! The token as the threads share it, and a thread's seat at it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use policies::Kid;
use secrecy::SecretString;

use crate::algorithm::Width;
use crate::key_type::KeyType;
use crate::pkcs11::{
    self, Failure, Findings, Module, ObjectHandle, Pin, Slot, SystemKeys, TokenSession,
};
use crate::profile::{ErrorClass, Profile};
use crate::protocol::{Object, TokenFault, TokenStatus};
use crate::sealed;

/// Which token, and how.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// The make.
    pub profile: Profile,
    /// The path of the PKCS#11 module; `None` for the profile's.
    pub module: Option<PathBuf>,
    /// `CKA_LABEL` of the token.
    pub label: String,
    /// How many sessions serve fast operations; `None` for the profile's default.
    pub sessions: Option<usize>,
}

/// An open token: `C_Initialize` and one login are done, once a process.
#[derive(Clone)]
pub struct Token(pub(super) Arc<Shared>);

/// What the threads share. Handles are valid in every session.
pub(super) struct Shared {
    pub(super) module: Arc<Module>,
    sessions: usize,
    found: Findings,
    handles: RwLock<HashMap<Slot, ObjectHandle>>,
    /// What the start has seen, until something changes or somebody has asked.
    seen: Mutex<Option<Vec<Object>>>,
    system: RwLock<Option<SystemKeys>>,
    /// Held while somebody logs in, so that a refused PIN is not tried again by the next.
    login: Mutex<Login>,
    /// The exit code of a worker that has to end; 0 while it need not.
    end: AtomicU8,
}

struct Login {
    pin: Pin,
    refused: bool,
    /// Stays open and logged in: with the last session of a process its login ends.
    anchor: TokenSession,
}

/// A thread's place at the token: one session, and the remedies for what may happen to it.
pub struct Seat {
    pub(super) token: Arc<Shared>,
    pub(super) session: TokenSession,
}

impl Token {
    /// Loads the module, logs in (one attempt), tries what the profile claims and takes in where
    /// the keys are. It can be done once a process.
    ///
    /// # Errors
    /// [`TokenFault::PinRefused`], or [`TokenFault::Down`] with the reason.
    pub fn open(options: TokenOptions, pin: SecretString) -> Result<Self, TokenFault> {
        Self::open_with(options, Pin::keep(pin))
    }

    pub(super) fn open_with(options: TokenOptions, pin: Pin) -> Result<Self, TokenFault> {
        let wanted = options.sessions.unwrap_or(options.profile.sessions.default);
        let sessions = wanted.clamp(1, options.profile.sessions.max);
        let module = Module::open(options.profile, options.module.as_deref(), &options.label)
            .map_err(|failure| TokenFault::Down(failure.to_string()))?;
        let module = Arc::new(module);
        Self::take_in(&module, sessions, pin).map(Self).map_err(|failure| {
            match module.classes.judge(&failure) {
                ErrorClass::PinRefused => TokenFault::PinRefused,
                _ => TokenFault::Down(failure.to_string()),
            }
        })
    }

    /// A seat with a session of its own.
    ///
    /// # Errors
    /// [`TokenFault::Down`] where the token gives no session.
    pub fn seat(&self) -> Result<Seat, TokenFault> {
        let session = TokenSession::open(&self.0.module)
            .map_err(|failure| TokenFault::Down(failure.to_string()))?;
        Ok(Seat { token: Arc::clone(&self.0), session })
    }

    /// How many seats for fast operations there should be.
    pub fn sessions(&self) -> usize {
        self.0.sessions
    }

    pub(super) fn module(&self) -> &Module {
        &self.0.module
    }

    fn take_in(module: &Arc<Module>, sessions: usize, pin: Pin) -> Result<Arc<Shared>, Failure> {
        let anchor = TokenSession::open(module)?;
        anchor.login(&pin)?;
        let system = pkcs11::find_system_keys(&anchor)?;
        let found = pkcs11::probe(&anchor)?;
        let contents = pkcs11::sweep(&anchor)?;
        Ok(Arc::new(Shared {
            module: Arc::clone(module),
            sessions,
            found,
            handles: RwLock::new(contents.keys.into_iter().collect()),
            seen: Mutex::new(Some(contents.objects)),
            system: RwLock::new(system),
            login: Mutex::new(Login { pin, refused: false, anchor }),
            end: AtomicU8::new(0),
        }))
    }
}

impl Shared {
    pub(super) fn handle(&self, slot: &Slot) -> Option<ObjectHandle> {
        self.handles.read().unwrap_or_else(PoisonError::into_inner).get(slot).copied()
    }

    pub(super) fn remember(&self, slot: Slot, handle: ObjectHandle) {
        self.handles.write().unwrap_or_else(PoisonError::into_inner).insert(slot, handle);
    }

    /// Every object of the key `kid`.
    pub(super) fn forget(&self, kid: &Kid) {
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        for width in [None, Some(Width::Aes128), Some(Width::Aes192), Some(Width::Aes256)] {
            handles.remove(&(*kid, width));
        }
    }

    /// What the start has seen on the token, once, if nothing was changed since.
    pub(super) fn take_seen(&self) -> Option<Vec<Object>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn system(&self) -> Option<SystemKeys> {
        *self.system.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_system(&self, keys: Option<SystemKeys>) {
        *self.system.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// `C_GetTokenInfo`, with what is known of the keys.
    pub(super) fn status(&self) -> Result<TokenStatus, Failure> {
        let info = self.module.token_info()?;
        Ok(TokenStatus {
            label: info.label().to_owned(),
            model: format!("{} {}", info.manufacturer_id(), info.model()),
            serial: info.serial_number().to_owned(),
            native: self.found.native.clone(),
            withdrawn: self.found.withdrawn.clone(),
            sealed: self.sealed(),
            groups: self.found.groups.clone(),
            attestation: self
                .system()
                .and_then(|keys| keys.attestation.map(|key| key.point.to_vec())),
            has_kek: self.system().is_some_and(|keys| keys.kek.is_some()),
            system: self.system().map(|keys| keys.public),
        })
    }

    /// The types that the profile leaves to sealing. A claim that the token did not live up to is
    /// not replaced: its keys would change their nature in silence.
    fn sealed(&self) -> Vec<KeyType> {
        let profile = &self.module.profile;
        let unclaimed = KeyType::ALL.into_iter().filter(|kind| !profile.claims(*kind));
        unclaimed.filter(|kind| sealed::can_seal(*kind)).collect()
    }

    /// Logs in again where the login was lost. Answers whether anything had to be mended, which
    /// means that handles may be void and that it is worth trying again.
    pub(super) fn log_in_again(&self, session: &TokenSession) -> Result<bool, Failure> {
        let mut login = self.login();
        if login.refused {
            return Err(Failure::Absent("the PIN was refused".into()));
        }
        let anchored = login.anchor.is_logged_in();
        if anchored.is_err() {
            login.anchor = TokenSession::open(&self.module)?;
        }
        if session.is_logged_in()? {
            return Ok(anchored.is_err());
        }
        match session.login(&login.pin) {
            Ok(_) => {}
            Err(failure) => {
                login.refused = self.module.classes.judge(&failure) == ErrorClass::PinRefused;
                return Err(failure);
            }
        }
        drop(login);
        if !self.module.profile.quirks.handles_survive_logout {
            self.handles.write().unwrap_or_else(PoisonError::into_inner).clear();
            drop(self.take_seen());
            self.set_system(pkcs11::find_system_keys(session)?);
        }
        Ok(true)
    }

    /// The worker has to end with this exit code. Answers whether this is news.
    pub(super) fn end_with(&self, code: u8) -> bool {
        self.end.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The exit code, if the worker has to end.
    pub(super) fn ending(&self) -> Option<u8> {
        Some(self.end.load(Ordering::Acquire)).filter(|code| *code != 0)
    }

    fn login(&self) -> MutexGuard<'_, Login> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
