//! Sealed keys, as request handlers see them.

use policies::{CreateKey, DeriveKey, Kid, Permit, Use};

use super::task::{NewSealed, Outcome, SealedKey, SealedTask};
use crate::key_type::KeyType;
use crate::points::ForeignPoint;
use crate::protocol::{Answer, Operation, TokenFault};
use crate::task::{Held, Key};
use crate::vault::{Vault, misunderstood, unlike};

impl Vault {
    /// Makes a sealed key. Nothing of it stays in the token: what is answered is all there is. Its
    /// KID is that of its public key; a symmetric key gets `kid`, which is random.
    ///
    /// # Errors
    /// [`TokenFault::Unsupported`] where keys of this type are not sealed,
    /// [`TokenFault::Unsealable`] where the token has no key to seal with.
    pub async fn generate_sealed(
        &self,
        _leave: &Permit<CreateKey>,
        kind: KeyType,
        kid: Kid,
    ) -> Result<NewSealed, TokenFault> {
        match self.line().ask(Operation::GenerateSealed { kind, kid }).await? {
            Answer::Sealed(made) => Ok(made),
            _ => Err(misunderstood()),
        }
    }

    /// Makes a sealed key of the type `target` out of what the permitted key agrees on with `peer`,
    /// and answers its KID. The same secret gives the same key under the same KID again.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where `peer` is of another type, where the secret is shorter than the
    /// new key, or where what comes out is no key of its type; [`TokenFault::KeyMissing`] where the
    /// token has no such key.
    pub async fn derive(
        &self,
        leave: Permit<DeriveKey>,
        (kind, held): (KeyType, Held),
        peer: &ForeignPoint,
        target: KeyType,
    ) -> Result<(Kid, NewSealed), TokenFault> {
        if peer.kind() != kind {
            return Err(unlike(kind, peer.kind()));
        }
        let key = Key { kid: leave.kid(), kind, held };
        let peer = peer.bytes().to_vec();
        match self.line().ask(Operation::Derive { key, peer, target }).await? {
            Answer::Derived { kid, made } => Ok((kid, made)),
            _ => Err(misunderstood()),
        }
    }

    /// Has a sealed key do `task`.
    ///
    /// # Errors
    /// [`TokenFault::Argument`] where the task is not one for it, [`TokenFault::Unsealable`] where
    /// the blob is not the one of this key, or was made with another token.
    pub async fn perform_sealed(
        &self,
        key: Permit<Use>,
        sealed: SealedKey,
        task: SealedTask,
    ) -> Result<Outcome, TokenFault> {
        let operation = Operation::Sealed { kid: key.kid(), key: sealed, task };
        match self.line().ask(operation).await? {
            Answer::Done(outcome) => Ok(outcome),
            _ => Err(misunderstood()),
        }
    }
}
