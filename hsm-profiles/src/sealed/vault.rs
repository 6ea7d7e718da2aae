//! Sealed keys, as request handlers see them.

use policies::{CreateKey, Kid, Permit, Use};

use super::task::{NewSealed, Outcome, SealedKey, SealedTask};
use crate::key_type::KeyType;
use crate::protocol::{Answer, Operation, TokenFault};
use crate::vault::{Vault, misunderstood};

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
