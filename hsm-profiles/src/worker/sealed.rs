//! Sealed keys: made, and opened for one operation.

use policies::Kid;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::digest;
use super::token::Seat;
use crate::algorithm::Scheme;
use crate::key_type::{Family, KeyType, SecretDigest};
use crate::pkcs11::{self, Failure, ObjectHandle};
use crate::protocol::{Answer, SecretBytes};
use crate::sealed::{self, NewSealed, Outcome, SealedKey, SealedTask, Statement};
use crate::task::{Key, Task};

impl Seat {
    /// Makes a key. It counts when the token opens what it sealed.
    pub(super) fn generate_sealed(&self, kind: KeyType, kid: Kid) -> Result<NewSealed, Failure> {
        if !sealed::can_seal(kind) {
            return Err(Failure::Type(kind));
        }
        let length = sealed::seed_length(kind);
        if self.token.module.profile.claims(kind) {
            return Err(Failure::Argument("the token holds keys of this type itself"));
        }
        let (kid, made) = sealed::with_locked(2 * length + sealed::TAG, |room| {
            let (seed, trial) = room.split_at_mut(length);
            self.draw(kind, seed)?;
            self.seal(kind, kid, (seed, trial))
        })?;
        tracing::debug!(%kid, %kind, "made a sealed key");
        Ok(made)
    }

    /// Random bytes that are a seed. Numbers of the SECP curves may be out of range, which is all but
    /// never: one in 2^32 at the most (P-256).
    fn draw(&self, kind: KeyType, seed: &mut [u8]) -> Result<(), Failure> {
        loop {
            pkcs11::fill_random(&self.session, seed)?;
            sealed::fit(kind, seed);
            let is_number = kind.family() == Family::Weierstrass;
            if !is_number || sealed::public_half(kind, seed).is_ok() {
                return Ok(());
            }
        }
    }

    /// Seals a seed, and opens it once into `trial`, which has [`sealed::TAG`] bytes more. A
    /// symmetric key is named `kid`.
    pub(super) fn seal(
        &self,
        kind: KeyType,
        kid: Kid,
        (seed, trial): (&[u8], &mut [u8]),
    ) -> Result<(Kid, NewSealed), Failure> {
        let kek = self.kek()?;
        let public = sealed::public_half(kind, seed)?;
        let kid = public.as_deref().map_or(kid, Kid::of_public_key);
        let aad = sealed::binding(&kid, kind);
        let blob = pkcs11::seal(&self.session, kek, &aad, seed)?;
        let opened = pkcs11::open(&self.session, kek, &aad, (&blob, &mut *trial))?;
        match trial.get(..opened).is_some_and(|found| bool::from(found.ct_eq(seed))) {
            true => Ok((kid, NewSealed { public, blob })),
            false => Err(Failure::Wrong("the token does not open what it sealed".into())),
        }
    }

    /// Opens a key, has it do `task`, and wipes it.
    pub(super) fn perform_sealed(
        &self,
        kid: &Kid,
        SealedKey { kind, blob }: &SealedKey,
        task: &SealedTask,
    ) -> Result<Outcome, Failure> {
        let mut fresh = Zeroizing::new([0; 32]);
        if sealed::needs_randomness(task) {
            pkcs11::fill_random(&self.session, fresh.as_mut_slice())?;
        }
        let outcome =
            self.with_open(kid, (*kind, blob), |seed| sealed::perform(*kind, seed, task, &fresh))?;
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

    /// An AES key, to be used in memory.
    pub(super) fn open_aes(&self, key: &Key, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.with_open(&key.kid, (key.kind, blob), |seed| Ok(Zeroizing::new(seed.to_vec())))
    }

    /// Opens a key for `work`, and wipes it.
    fn with_open<T>(
        &self,
        kid: &Kid,
        (kind, blob): (KeyType, &[u8]),
        work: impl FnOnce(&[u8]) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let length = sealed::seed_length(kind);
        sealed::with_locked(length + sealed::TAG, |room| {
            let aad = sealed::binding(kid, kind);
            let opened = pkcs11::open(&self.session, self.kek()?, &aad, (blob, &mut *room))?;
            match room.get(..opened) {
                Some(seed) if opened == length => work(seed),
                _ => Err(Failure::Unsealable),
            }
        })
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

    /// A signature: RFC 8032, or r and s.
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

    pub(super) fn kek(&self) -> Result<ObjectHandle, Failure> {
        self.system_keys()?.kek.ok_or(Failure::Unsealable)
    }
}

fn sealed_key(key: &Key, blob: &[u8]) -> SealedKey {
    SealedKey { kind: key.kind, blob: blob.to_vec() }
}

fn another_outcome() -> Failure {
    Failure::Argument("a task came out as another one")
}
