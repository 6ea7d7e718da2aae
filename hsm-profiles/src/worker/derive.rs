//! Keys out of what a key agrees on with a peer (hem.md A9, derive).

use policies::Kid;

use super::software;
use super::token::Seat;
use crate::key_type::{Family, KeyType};
use crate::pkcs11::Failure;
use crate::protocol::Answer;
use crate::sealed;
use crate::task::Key;

impl Seat {
    /// Agrees, derives, seals. The new key is in the clear in locked memory alone, and nothing of it
    /// stays in the token.
    pub(super) fn derive_key(
        &self,
        key: &Key,
        peer: &[u8],
        target: KeyType,
    ) -> Result<Answer, Failure> {
        if matches!(target.family(), Family::MlDsa | Family::MlKem) {
            return Err(Failure::Argument("post-quantum keys are not derived"));
        }
        let secret = self.shared_secret(key, peer)?;
        let secret = secret.expose();
        let length = sealed::seed_length(target);
        if secret.len() < length {
            return Err(Failure::Argument(
                "what the keys agree on is shorter than the new key: derive a shorter one, or agree \
                 on a longer curve",
            ));
        }
        let mut name = [0; 16];
        software::expand(secret, [NAME, target.name().as_bytes()], &mut name)?;
        let (kid, made) = sealed::with_locked(2 * length + sealed::TAG, |room| {
            let (seed, trial) = room.split_at_mut(length);
            software::expand(secret, [KEY, target.name().as_bytes()], seed)?;
            sealed::fit(target, seed);
            self.seal(target, Kid::from_bytes(name), (seed, trial))
        })?;
        tracing::debug!(%kid, kind = %target, "derived a key");
        Ok(Answer::Derived { kid, made })
    }
}

/// The first part of the info of a key; its type follows.
const KEY: &[u8] = b"encedo-";

/// The same for the KID of a symmetric key: it says nothing about the key, and the same secret gives
/// the same KID, so that a key is kept once only.
const NAME: &[u8] = b"claviger kid of ";
