//! Sealed keys: of types that the token does not hold, or can't do all with that is asked of them.
//! The token makes the seed and seals it; the blob lives in the record, and nowhere else.

use hsm_profiles::{
    ForeignPoint, NewSealed, Outcome, SealedKey, SealedTask, SecretBytes, SecretDigest, TokenFault,
    public_key,
};
use policies::{CreateKey, Kid, Permit, Subject, Use};

use super::employ::misled;
use super::{KeyFault, Keyring, Keys, NewKey, random};
use crate::store::{Backing, Fact};

impl Keyring {
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
        self.keep_sealed(kid, made, ask, (Fact::Created, leave.subject())).await
    }

    /// Puts the record of a new sealed key in.
    pub(super) async fn keep_sealed(
        &self,
        kid: Kid,
        NewSealed { public, blob }: NewSealed,
        ask: NewKey,
        (fact, subject): (Fact, Subject),
    ) -> Result<Kid, KeyFault> {
        if let Some(public) = &public {
            public_key::validate(ask.kind, public).map_err(|why| {
                TokenFault::Down(format!("it made a key pair whose public half is wrong: {why}"))
            })?;
        }
        let record = self.fresh(kid, public, Backing::Sealed(blob), ask);
        self.insert(record, fact, subject).await
    }
}
