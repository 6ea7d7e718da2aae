//! Why something could not be done with a key, and whose fault it is.

use std::borrow::Cow;

use hsm_profiles::TokenFault;

use crate::store::StoreFault;

/// Why something could not be done with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The caller's: there is no such key.
    #[error("there is no key with this KID")]
    Absent,
    /// The caller's: the other side's public key won't do.
    #[error("the peer's public key can't be used ({0})")]
    BadPeer(Cow<'static, str>),
    /// Somebody's who can write to the state file: its record of a key involved was edited.
    #[error(
        "the record of this key was changed outside the daemon, so the key is not used: restore \
         the state file from a backup"
    )]
    Damaged,
    /// The caller's: there is a key with this KID already.
    #[error("this key is here already: a public key can be kept once only")]
    Duplicate,
    /// The caller's: what was presented does not hold.
    #[error("{0}")]
    Refuted(&'static str),
    /// The state file's.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The token's, or what the token found fault with.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// The caller's: this key is not made for that, or these arguments make no key.
    #[error("{0}")]
    Unsuitable(&'static str),
}

/// Why the keyring could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The state file fails.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The token fails, without which no record can be verified and no crash be mended.
    #[error("the key records can't be verified: {0}")]
    Token(#[from] TokenFault),
}

impl From<OpenError> for KeyFault {
    fn from(fault: OpenError) -> Self {
        match fault {
            OpenError::Store(fault) => fault.into(),
            OpenError::Token(fault) => fault.into(),
        }
    }
}
