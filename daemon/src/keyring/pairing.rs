//! Paired authenticators: public X25519 keys whose description begins with a reserved prefix.
//!
//! Nothing but [`Keyring::pair`] gives a key that prefix: whoever may import keys could pair
//! himself otherwise. Deleting the key unpairs its owner.

use hsm_profiles::{KeyType, Usage};
use policies::{Kid, PairAuthenticator, Permit};

use super::{KeyFault, KeyView, Keyring, NewPublic};
use crate::store::{Backing, Fact, Record};

/// An authenticator to be paired. The caller has checked the label.
#[derive(Clone, Debug)]
pub struct NewAuthenticator {
    /// What it calls itself.
    pub label: String,
    /// The name that its makers know it by.
    pub pid: [u8; 32],
    /// Its X25519 public key.
    pub public: [u8; 32],
}

/// A paired authenticator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authenticator {
    /// Its KID, which is its subject too.
    pub kid: Kid,
    /// The name that its makers know it by.
    pub pid: [u8; 32],
    /// Its X25519 public key.
    pub public: [u8; 32],
}

impl Keyring {
    /// Pairs an authenticator and answers its KID.
    ///
    /// # Errors
    /// [`KeyFault::Unsuitable`] where eight are paired, [`KeyFault::Duplicate`] where its key or
    /// its name is here already, [`KeyFault::BadPeer`] for what is no key.
    pub async fn pair(
        &self,
        leave: Permit<PairAuthenticator>,
        new: NewAuthenticator,
    ) -> Result<Kid, KeyFault> {
        let _pairing = self.0.pairing.lock().await;
        let paired = self.authenticators();
        if paired.len() >= MOST {
            return Err(KeyFault::Unsuitable(
                "eight authenticators are paired: delete the key of one first",
            ));
        }
        if paired.iter().any(|other| other.pid == new.pid) {
            return Err(KeyFault::Duplicate);
        }
        let record = self.public_record(NewPublic {
            label: new.label,
            kind: KeyType::Curve25519,
            public: new.public.to_vec(),
            usage: Usage { agree: true, sign: false },
            descr: [PREFIX, new.pid.as_slice()].concat(),
        })?;
        self.0.insert(record, Fact::Paired, leave.subject()).await
    }

    /// The paired authenticators, oldest first.
    pub fn authenticators(&self) -> Vec<Authenticator> {
        let shelf = self.0.shelf();
        shelf.entries().iter().filter_map(|entry| authenticator(&entry.record)).collect()
    }

    /// Whether the authenticator with this KID is paired now.
    pub fn is_paired(&self, kid: Kid) -> bool {
        let found = self.0.shelf().find(kid);
        found.is_ok_and(|entry| authenticator(&entry.record).is_some())
    }

    /// A key, as authenticators show it to those who hold them.
    pub(crate) fn shown(&self, kid: Kid) -> Option<KeyView> {
        Some(KeyView::of(&self.0.shelf().find(kid).ok()?.record))
    }
}

/// Refuses a description that would make a key an authenticator's.
///
/// # Errors
/// [`KeyFault::Unsuitable`].
pub(super) fn refuse_reserved(descr: &[u8]) -> Result<(), KeyFault> {
    match descr.starts_with(PREFIX) {
        true => Err(RESERVED),
        false => Ok(()),
    }
}

/// Refuses to make a key an authenticator's, or an authenticator's key another's, by an update.
///
/// # Errors
/// [`KeyFault::Unsuitable`].
pub(super) fn refuse_turncoat(old: &[u8], new: &[u8]) -> Result<(), KeyFault> {
    let touched = old.starts_with(PREFIX) || new.starts_with(PREFIX);
    match touched && old != new {
        true => Err(RESERVED),
        false => Ok(()),
    }
}

fn authenticator(record: &Record) -> Option<Authenticator> {
    if record.backing != Backing::Public || record.kind != KeyType::Curve25519 {
        return None;
    }
    let pid = record.descr.strip_prefix(PREFIX)?.try_into().ok()?;
    let public = record.public.as_deref()?.try_into().ok()?;
    Some(Authenticator { kid: record.kid, pid, public })
}

const MOST: usize = 8;
const PREFIX: &[u8] = b"EXTAID";
const RESERVED: KeyFault = KeyFault::Unsuitable(
    "descriptions that begin with EXTAID belong to paired authenticators: pair or delete them",
);
