//! Sealed keys: of types that the token does not hold, or can't do all with that is asked of them.
//! The token makes the seed and seals it; the blob lives in the record, and nowhere else.

use hsm_profiles::{
    ForeignPoint, KeyType, NewSealed, Outcome, SealedKey, SealedTask, SecretBytes, SecretDigest,
    Statement, TokenFault, public_key, verify_ml_dsa,
};
use policies::{CreateKey, Kid, Permit, Use};

use super::employ::misled;
use super::{KeyFault, Keyring, Keys, NewKey, random};
use crate::store::{Backing, Record};

impl Keyring {
    /// ML-KEM (FIPS 203): a fresh secret of 32 bytes, and the ciphertext of it for the permitted key
    /// itself.
    ///
    /// # Errors
    /// [`KeyFault::Absent`], [`KeyFault::Damaged`], and [`KeyFault::Unsuitable`] for a key of
    /// another type or a public half alone.
    pub async fn encapsulate(
        &self,
        leave: Permit<Use>,
    ) -> Result<(KeyType, Vec<u8>, SecretBytes), KeyFault> {
        let sealed = self.sealed(&leave)?;
        let kind = sealed.kind;
        match self.0.token.perform_sealed(leave, sealed, SealedTask::Encapsulate).await? {
            Outcome::Encapsulated { ciphertext, secret } => Ok((kind, ciphertext, secret)),
            _ => Err(misled("an answer to something else")),
        }
    }

    /// ML-KEM (FIPS 203): the secret in `ciphertext`; one that nobody knows where it was made for
    /// another key.
    ///
    /// # Errors
    /// As for [`Keyring::encapsulate`]; a ciphertext of another length is an argument that the token
    /// refuses.
    pub async fn decapsulate(
        &self,
        leave: Permit<Use>,
        ciphertext: Vec<u8>,
    ) -> Result<(KeyType, SecretBytes), KeyFault> {
        let sealed = self.sealed(&leave)?;
        let kind = sealed.kind;
        let task = SealedTask::Decapsulate { ciphertext };
        match self.0.token.perform_sealed(leave, sealed, task).await? {
            Outcome::Secret(secret) => Ok((kind, secret)),
            _ => Err(misled("an answer to something else")),
        }
    }

    /// An ML-DSA signature (FIPS 204, hedged).
    ///
    /// # Errors
    /// As for [`Keyring::encapsulate`].
    pub async fn sign_ml_dsa(
        &self,
        leave: Permit<Use>,
        statement: Statement,
    ) -> Result<(KeyType, Vec<u8>), KeyFault> {
        let sealed = self.sealed(&leave)?;
        let kind = sealed.kind;
        let task = SealedTask::SignMlDsa(statement);
        match self.0.token.perform_sealed(leave, sealed, task).await? {
            Outcome::Public(signature) => Ok((kind, signature)),
            _ => Err(misled("an answer to something else")),
        }
    }

    /// Whether `signature` is an ML-DSA signature of `statement` by a stored key, of which the
    /// public half is enough.
    ///
    /// # Errors
    /// [`KeyFault::Refuted`] where it is not, or the key is of another type; [`KeyFault::Absent`],
    /// [`KeyFault::Damaged`].
    pub fn verify_ml_dsa(
        &self,
        leave: &Permit<Use>,
        statement: &Statement,
        signature: &[u8],
    ) -> Result<(), KeyFault> {
        let own = self.own(leave)?;
        let Record { kind, public, .. } = &own.record;
        let good = public
            .as_deref()
            .is_some_and(|public| verify_ml_dsa(*kind, public, statement, signature));
        match good {
            true => Ok(()),
            false => Err(KeyFault::Refuted("this is no signature of the message by this key")),
        }
    }

    /// What a sealed key agrees on with `point`, or its `digest`.
    pub(super) async fn agree_sealed(
        &self,
        leave: Permit<Use>,
        sealed: SealedKey,
        point: &ForeignPoint,
        digest: Option<SecretDigest>,
    ) -> Result<SecretBytes, KeyFault> {
        let task = SealedTask::Agree { peer: point.bytes().to_vec(), digest };
        match self.0.token.perform_sealed(leave, sealed, task).await? {
            Outcome::Secret(secret) => Ok(secret),
            _ => Err(misled("an answer to something else")),
        }
    }

    /// The permitted key, which has to be sealed: no token of ours does ML-KEM and ML-DSA itself.
    fn sealed(&self, leave: &Permit<Use>) -> Result<SealedKey, KeyFault> {
        let own = self.own(leave)?;
        match &own.record.backing {
            Backing::Sealed(blob) => Ok(SealedKey { kind: own.record.kind, blob: blob.clone() }),
            Backing::Public => {
                Err(KeyFault::Unsuitable("only the public half of this key is here"))
            }
            Backing::Resident => Err(KeyFault::Unsuitable("keys of this type can't do this")),
        }
    }
}

impl Keys {
    /// Makes a sealed key. The token is as it was before, so that no intent is needed: until the
    /// record is in, there is no key.
    pub(super) async fn create_sealed(
        &self,
        leave: &Permit<CreateKey>,
        ask: NewKey,
    ) -> Result<Kid, KeyFault> {
        let random = Kid::from_bytes(random()?);
        let made = self.token.generate_sealed(leave, ask.kind, random).await?;
        let kid = match &made.public {
            Some(public) => Kid::of_public_key(public),
            None if ask.kind.is_asymmetric() => return Err(misled("a key without a public half")),
            None => random,
        };
        self.keep_sealed(kid, made, ask).await
    }

    /// Puts the record of a new sealed key in.
    pub(super) async fn keep_sealed(
        &self,
        kid: Kid,
        NewSealed { public, blob }: NewSealed,
        ask: NewKey,
    ) -> Result<Kid, KeyFault> {
        if let Some(public) = &public {
            public_key::validate(ask.kind, public).map_err(|why| {
                TokenFault::Down(format!("it made a key pair whose public half is wrong: {why}"))
            })?;
        }
        self.insert(self.fresh(kid, public, Backing::Sealed(blob), ask)).await
    }
}
