//! A session of one thread.

use std::cell::Cell;
use std::sync::Arc;

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};

use super::errors::Failure;
use super::module::Module;
use super::pin::Pin;
use crate::profile::ErrorClass;

/// A read-write session, to be used by one thread at a time.
pub(crate) struct TokenSession {
    /// The module it belongs to.
    pub(crate) module: Arc<Module>,
    pub(super) inner: Session,
    /// An object was left in it that only closing it removes.
    spoiled: Cell<bool>,
}

impl TokenSession {
    /// Opens one.
    pub(crate) fn open(module: &Arc<Module>) -> Result<Self, Failure> {
        let inner = module.session()?;
        Ok(Self { module: Arc::clone(module), inner, spoiled: Cell::new(false) })
    }

    /// One attempt to log in; all sessions of the process then are. Answers whether that changed
    /// anything. A PIN that was refused is not tried again.
    pub(crate) fn login(&self, pin: &Pin) -> Result<bool, Failure> {
        let refused = pin.was_refused();
        if refused.map_err(|error| Failure::Absent(format!("no login: {error}")))? {
            return Err(Failure::RefusedBefore);
        }
        match self.inner.login(UserType::User, Some(pin.expose())) {
            Ok(()) => {
                pin.remember(false);
                Ok(true)
            }
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, Function::Login)) => Ok(false),
            Err(error) => {
                let failure = Failure::from(error);
                if self.module.classes.judge(&failure) == ErrorClass::PinRefused {
                    pin.remember(true);
                }
                Err(failure)
            }
        }
    }

    /// Whether the user is logged in.
    pub(crate) fn is_logged_in(&self) -> Result<bool, Failure> {
        Ok(self.inner.get_session_info()?.session_state() == SessionState::RwUser)
    }

    /// Whether it should be closed and another opened.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.spoiled.get()
    }

    pub(super) fn spoil(&self) {
        self.spoiled.set(true);
    }
}
