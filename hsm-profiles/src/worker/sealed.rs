//! Sealed keys: made, and opened for one operation.

use policies::Kid;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::digest;
use super::token::Seat;
use crate::algorithm::Scheme;
use crate::key_type::{KeyType, SecretDigest};
use crate::pkcs11::{self, Failure, ObjectHandle};
use crate::protocol::{Answer, SecretBytes};
use crate::sealed::{self, NewSealed, Outcome, SealedKey, SealedTask, Statement};
use crate::task::{Key, Task};

impl Seat {
    /// Makes a key. It counts when the token opens what it sealed.
    pub(super) fn generate_sealed(&self, kind: KeyType, kid: Kid) -> Result<NewSealed, Failure> {
        let length = sealed::seed_length(kind).ok_or(Failure::Type(kind))?;
        if self.token.module.profile.claims(kind) {
            return Err(Failure::Argument("the token holds keys of this type itself"));
        }
        let kek = self.kek()?;
        let (public, kid, blob) = sealed::with_locked(2 * length + sealed::TAG, |room| {
            let (seed, trial) = room.split_at_mut(length);
            pkcs11::fill_random(&self.session, seed)?;
            let public = sealed::public_half(kind, seed)?;
            let kid = public.as_deref().map_or(kid, Kid::of_public_key);
            let aad = sealed::binding(&kid, kind);
            let blob = pkcs11::seal(&self.session, kek, &aad, seed)?;
            let opened = pkcs11::open(&self.session, kek, &aad, (&blob, &mut *trial))?;
            match trial.get(..opened).is_some_and(|found| bool::from(found.ct_eq(seed))) {
                true => Ok((public, kid, blob)),
                false => Err(Failure::Wrong("the token does not open what it sealed".into())),
            }
        })?;
        tracing::debug!(%kid, %kind, "made a sealed key");
        Ok(NewSealed { public, blob })
    }

    /// Opens a key, has it do `task`, and wipes it.
    pub(super) fn perform_sealed(
        &self,
        kid: &Kid,
        SealedKey { kind, blob }: &SealedKey,
        task: &SealedTask,
    ) -> Result<Outcome, Failure> {
        let length = sealed::seed_length(*kind).ok_or(Failure::Type(*kind))?;
        let mut fresh = Zeroizing::new([0; 32]);
        if sealed::needs_randomness(task) {
            pkcs11::fill_random(&self.session, fresh.as_mut_slice())?;
        }
        let outcome = sealed::with_locked(length + sealed::TAG, |room| {
            let aad = sealed::binding(kid, *kind);
            let opened = pkcs11::open(&self.session, self.kek()?, &aad, (blob, &mut *room))?;
            match room.get(..opened) {
                Some(seed) if opened == length => sealed::perform(*kind, seed, task, &fresh),
                _ => Err(Failure::Unsealable),
            }
        })?;
        Ok(match (task, outcome) {
            (SealedTask::Agree { digest: Some(how), .. }, Outcome::Secret(secret)) => {
                Outcome::Secret(digest(*how, secret.expose()))
            }
            (_, outcome) => outcome,
        })
    }

    /// What a sealed key does by itself with `task`.
    pub(super) fn employ_sealed(
        &self,
        key: &Key,
        blob: &[u8],
        task: &Task,
    ) -> Result<Answer, Failure> {
        match task {
            Task::Hmac { digest, message } if SecretDigest::of(key.kind) == Some(*digest) => {
                let task = SealedTask::Mac { message: message.clone() };
                self.secret_of(key, blob, &task).map(Answer::Secret)
            }
            _ => Err(Failure::Argument("a sealed key of this type can't do this")),
        }
    }

    /// The raw secret between a sealed key and `peer`.
    pub(super) fn shared_secret_sealed(
        &self,
        key: &Key,
        blob: &[u8],
        peer: &[u8],
    ) -> Result<SecretBytes, Failure> {
        self.secret_of(key, blob, &SealedTask::Agree { peer: peer.to_vec(), digest: None })
    }

    /// An EdDSA signature.
    pub(super) fn sign_sealed(
        &self,
        key: &Key,
        blob: &[u8],
        (scheme, statement): (Scheme, Statement),
    ) -> Result<Vec<u8>, Failure> {
        let task = SealedTask::Sign { scheme, statement };
        match self.perform_sealed(&key.kid, &sealed_key(key, blob), &task)? {
            Outcome::Public(signature) => Ok(signature),
            Outcome::Encapsulated { .. } | Outcome::Secret(_) => Err(another_outcome()),
        }
    }

    fn secret_of(&self, key: &Key, blob: &[u8], task: &SealedTask) -> Result<SecretBytes, Failure> {
        match self.perform_sealed(&key.kid, &sealed_key(key, blob), task)? {
            Outcome::Secret(secret) => Ok(secret),
            Outcome::Encapsulated { .. } | Outcome::Public(_) => Err(another_outcome()),
        }
    }

    fn kek(&self) -> Result<ObjectHandle, Failure> {
        self.system_keys()?.kek.ok_or(Failure::Unsealable)
    }
}

fn sealed_key(key: &Key, blob: &[u8]) -> SealedKey {
    SealedKey { kind: key.kind, blob: blob.to_vec() }
}

fn another_outcome() -> Failure {
    Failure::Argument("a task came out as another one")
}
