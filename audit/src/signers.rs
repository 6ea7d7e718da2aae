//! The logger keys of a log: the current one, one that signs along while it takes over, and one that
//! is there and signs nothing yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::VerifyingKey;

use crate::checkpoint::{Checkpoint, Claim};
use crate::log_key::LogKey;
use crate::signer::{Signer, SignerError, sign_and_check};

/// Shared by the writer and the notary.
pub(crate) struct Signers {
    /// All there are.
    pool: Mutex<Vec<(VerifyingKey, Box<dyn Signer>)>>,
    /// Those that sign checkpoints; the first one signs the keys of files, too.
    signing: Mutex<Vec<VerifyingKey>>,
}

impl Signers {
    /// The key `signer` and the others there are; it alone signs.
    pub(crate) fn of(signer: Box<dyn Signer>) -> Result<Self, SignerError> {
        let mut pool = Vec::new();
        let others = signer.others();
        for signer in std::iter::once(signer).chain(others) {
            let key = VerifyingKey::from_bytes(&signer.public_key())
                .map_err(|_| SignerError::new("its public key is no Ed25519 key"))?;
            pool.push((key, signer));
        }
        let signing = pool.iter().map(|(key, _)| *key).take(1).collect();
        Ok(Self { pool: Mutex::new(pool), signing: Mutex::new(signing) })
    }

    /// All keys there are.
    pub(crate) fn all(&self) -> Vec<VerifyingKey> {
        locked(&self.pool).iter().map(|(key, _)| *key).collect()
    }

    /// Those that sign, the current one first.
    pub(crate) fn signing(&self) -> Vec<VerifyingKey> {
        locked(&self.signing).clone()
    }

    /// From the next checkpoint on those sign that have signed `known`.
    pub(crate) fn go_on_from(&self, origin: &str, known: &Checkpoint) {
        let named = |key| LogKey::named(origin, key);
        let named: Vec<_> = self.all().into_iter().filter_map(named).collect();
        let signing: Vec<_> = known.signers(&named).map(|key| *key.key()).collect();
        if !signing.is_empty() {
            *locked(&self.signing) = signing;
        }
    }

    /// From the next checkpoint on `key` alone signs.
    pub(crate) fn leave(&self, key: VerifyingKey) {
        *locked(&self.signing) = vec![key];
    }

    /// From the next checkpoint on `key` signs first.
    pub(crate) fn take_over(&self, key: VerifyingKey) {
        let signing = &mut *locked(&self.signing);
        signing.retain(|other| *other != key);
        signing.insert(0, key);
    }

    /// The current key's signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let current = self.signing().first().copied();
        self.sign_by(&current.ok_or_else(none)?, message)
    }

    /// A checkpoint that `keys` sign.
    pub(crate) fn seal(
        &self,
        keys: &[VerifyingKey],
        claim: Claim,
    ) -> Result<Checkpoint, SignerError> {
        let mut signatures = Vec::new();
        for key in keys {
            let named = LogKey::named(&claim.origin, *key).ok_or_else(none)?;
            signatures.push((named, self.sign_by(key, claim.note().as_bytes())?));
        }
        Ok(Checkpoint::sealed(claim, &signatures))
    }

    fn sign_by(&self, key: &VerifyingKey, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let pool = locked(&self.pool);
        let (_, signer) = pool.iter().find(|(known, _)| known == key).ok_or_else(none)?;
        sign_and_check(&**signer, message)
    }
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signers").field("signing", &self.signing()).finish_non_exhaustive()
    }
}

fn none() -> SignerError {
    SignerError::new("there is no such logger key")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
