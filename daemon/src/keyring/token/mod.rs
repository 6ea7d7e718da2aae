//! What the keyring needs of a token.

#[cfg(test)]
pub(crate) mod faulty;
mod slot;

use std::pin::Pin;

use hsm_profiles::{
    Answer, Creation, ForeignPoint, Held, KeyType, NewSealed, Object, Outcome, SealedKey,
    SealedTask, SecretBytes, SecretDigest, Task, TokenFault, Usage,
};
use policies::{CreateKey, DeleteKey, DeriveKey, Kid, Permit, Use};

pub(super) use self::slot::Slot;
use crate::store::{Doing, Mac};

/// In what way keys of a type are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    /// Not at all.
    Not,
    /// As objects of the token.
    Resident,
    /// Sealed by the token.
    Sealed,
}

/// A token with the keys of this daemon.
///
/// [`TokenFault::Busy`] says that the token has not changed and will not; after any other fault of a
/// changing call that is unknown: what the token refuses half-way may have left something behind.
/// Changing calls are done one after the other, in their order.
pub(crate) trait Token: Mac + Send + Sync {
    /// The agreed secret, raw or hashed.
    fn agree<'a>(
        &'a self,
        key: Permit<Use>,
        kind: KeyType,
        peer: &'a ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Doing<'a, SecretBytes>;

    /// Has a key do `task`, or what it agrees on with a point; the bytes beside that are bound to
    /// what is derived.
    fn employ<'a>(
        &'a self,
        key: Permit<Use>,
        own: (KeyType, Held),
        counterpart: Option<(&'a ForeignPoint, Vec<u8>)>,
        task: Task,
    ) -> Doing<'a, Answer>;

    /// Makes a key pair whose private object has the KID of its public key, and answers that: raw,
    /// SEC1 compressed for the SECP curves.
    fn generate_pair<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        usage: Usage,
    ) -> Doing<'a, Vec<u8>>;

    /// In what way keys of this type are made.
    fn serves(&self, kind: KeyType) -> Serving;

    /// Whether it has the key that opens sealed ones.
    fn opens_sealed(&self) -> bool;

    /// Makes a sealed key; a symmetric one is bound to this KID. The token has not changed,
    /// whatever comes of it.
    fn generate_sealed<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        kind: KeyType,
        kid: Kid,
    ) -> Doing<'a, NewSealed>;

    /// Makes a sealed key out of what a key agrees on with a point. The token has not changed,
    /// whatever comes of it.
    fn derive<'a>(
        &'a self,
        key: Permit<DeriveKey>,
        own: (KeyType, Held),
        peer: &'a ForeignPoint,
        target: KeyType,
    ) -> Doing<'a, (Kid, NewSealed)>;

    /// Has a sealed key do something.
    fn perform_sealed(
        &self,
        key: Permit<Use>,
        sealed: SealedKey,
        task: SealedTask,
    ) -> Doing<'_, Outcome>;

    /// Makes a symmetric key with this KID.
    fn generate_secret<'a>(
        &'a self,
        leave: &'a Permit<CreateKey>,
        creation: Creation,
        kind: KeyType,
        kid: Kid,
    ) -> Doing<'a, ()>;

    /// Destroys a key for a caller. Answers how many objects that were.
    fn destroy(&self, leave: Permit<DeleteKey>) -> Doing<'_, u32>;

    /// Destroys what an attempt to make a key left behind.
    fn destroy_creation(&self, creation: Creation) -> Doing<'_, u32>;

    /// Destroys a key whose deletion was begun.
    fn destroy_kid(&self, kid: Kid) -> Doing<'_, u32>;

    /// The private and secret objects.
    fn list(&self) -> Doing<'_, Vec<Object>>;

    /// Whether it can be used now, without asking it.
    fn health(&self) -> Result<(), TokenFault>;

    /// Waits until it can be used.
    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
