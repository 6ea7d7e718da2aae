//! Sealed keys: for types that a token can't hold, or can't do all with that the API asks for.
//!
//! The seed of a sealed key is born from the token's generator and encrypted under a key of the
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

pub(crate) use blob::{NONCE, TAG, binding};
pub(crate) use memory::with_locked;
pub(crate) use seed::{public_half, seed_length};
pub use task::{NewSealed, Outcome, SealedKey, SealedTask, Statement};
pub(crate) use task::{needs_randomness, perform};
pub use verify::{verify_eddsa, verify_ml_dsa};

use crate::key_type::KeyType;

/// Whether keys of this type can be sealed.
pub(crate) fn can_seal(kind: KeyType) -> bool {
    seed_length(kind).is_some()
}
