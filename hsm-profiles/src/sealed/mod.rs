//! Sealed keys: for types that a token can't hold, or can't do all with that the API asks for.
//!
//! The seed of a sealed key is born from the token's generator, or derived from a secret that a key
//! of the token agrees on (keys of all types but the post-quantum ones), and encrypted under a key of the
//! token, the KEK (AES-256-GCM, bound to the key's KID and type). Only this blob leaves the worker.
//! For one operation the worker has the token open it into locked memory, computes in software,
//! and wipes it.

mod blob;
mod edwards;
#[expect(unsafe_code, reason = "mlock takes an address")]
mod memory;
mod ml_dsa;
mod ml_kem;
mod montgomery;
mod seed;
mod task;
mod vault;
mod verify;
mod weierstrass;

pub(crate) use blob::{NONCE, TAG, binding};
pub(crate) use memory::with_locked;
pub(crate) use ml_kem::encapsulate_to;
pub(crate) use seed::{fit, public_half, seed_length};
pub use task::{NewSealed, Outcome, SealedKey, SealedTask, Statement};
pub(crate) use task::{needs_randomness, perform};
pub use verify::{verify_eddsa, verify_ml_dsa};

use zeroize::Zeroizing;

use crate::key_type::{Family, KeyType};
use crate::protocol::SecretBytes;

/// A ciphertext for whoever has the private half of `public`, an ML-KEM key of the type `kind`, and
/// the secret in it (FIPS 203). `fresh` is m: random, used once. `None` for what is no such key.
pub fn encapsulate(
    kind: KeyType,
    public: &[u8],
    fresh: &Zeroizing<[u8; 32]>,
) -> Option<(Vec<u8>, SecretBytes)> {
    encapsulate_to(kind, public, fresh).ok()
}

/// Whether keys of this type are made sealed where the token lacks the type. AES keys are sealed only
/// where they are derived: a token that seals has AES itself.
pub(crate) fn can_seal(kind: KeyType) -> bool {
    kind.family() != Family::Aes
}
