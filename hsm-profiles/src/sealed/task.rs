//! What sealed keys are asked to do, and the doing of it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{edwards, ml_dsa, ml_kem, montgomery, weierstrass};
use crate::algorithm::Scheme;
use crate::hmac::hmac;
use crate::key_type::{Family, KeyType, SecretDigest};
use crate::pkcs11::Failure;
use crate::protocol::SecretBytes;

/// A sealed key as its record holds it. Only the token that made it can open it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SealedKey {
    /// Its type.
    pub kind: KeyType,
    /// The encrypted seed.
    pub blob: Vec<u8>,
}

/// A sealed key that was just made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NewSealed {
    /// Its raw public key; `None` for a symmetric key.
    pub public: Option<Vec<u8>>,
    /// The encrypted seed.
    pub blob: Vec<u8>,
}

/// What a sealed key is asked to do. A task that its type is not for is
/// [`TokenFault::Argument`](crate::TokenFault::Argument), and so are arguments of a wrong length.
#[derive(Debug, Deserialize, Serialize)]
pub enum SealedTask {
    /// X25519, X448 (RFC 7748) or ECDH; answers the raw secret, or its hash.
    Agree {
        /// The peer's public key, 32 or 56 bytes or SEC1 uncompressed, validated.
        peer: Vec<u8>,
        /// `None` gives the raw secret.
        digest: Option<SecretDigest>,
    },
    /// ML-KEM.Decaps (FIPS 203); answers the shared secret, 32 bytes.
    Decapsulate {
        /// The ciphertext.
        ciphertext: Vec<u8>,
    },
    /// ML-KEM.Encaps (FIPS 203) to the key's own public half.
    Encapsulate,
    /// HMAC (RFC 2104) under the digest that the key's type names; answers the MAC as a secret.
    Mac {
        /// The text.
        message: SecretBytes,
    },
    /// EdDSA (RFC 8032), or ECDSA: r and s, each at the length of the curve's order.
    Sign {
        /// Which of its schemes.
        scheme: Scheme,
        /// What, and in which context.
        statement: Statement,
    },
    /// ML-DSA (FIPS 204), hedged, of the message itself; the key's type is the parameter set.
    SignMlDsa(Statement),
}

/// What is signed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Statement {
    /// The message itself: hashing it is the scheme's affair.
    pub message: SecretBytes,
    /// At most 255 bytes. [`Scheme::Ed25519`] has no context and mixes none in.
    pub context: Vec<u8>,
}

/// What came of a task.
#[derive(Debug, Deserialize, Serialize)]
pub enum Outcome {
    /// Of an encapsulation.
    Encapsulated {
        /// For the holder of the private key.
        ciphertext: Vec<u8>,
        /// What both then share, 32 bytes.
        secret: SecretBytes,
    },
    /// A signature.
    Public(Vec<u8>),
    /// A secret that was agreed on or decapsulated, or a MAC.
    Secret(SecretBytes),
}

/// Whether `task` needs 32 fresh random bytes.
pub(crate) fn needs_randomness(task: &SealedTask) -> bool {
    matches!(task, SealedTask::Encapsulate | SealedTask::SignMlDsa(_))
}

/// Does `task` with an open key; hashing what was agreed on is left to the caller. `fresh` is random where [`needs_randomness`] says so.
pub(crate) fn perform(
    kind: KeyType,
    seed: &[u8],
    task: &SealedTask,
    fresh: &Zeroizing<[u8; 32]>,
) -> Result<Outcome, Failure> {
    match task {
        SealedTask::Agree { peer, .. } if kind.family() == Family::Weierstrass => {
            weierstrass::agree(kind, seed, peer).map(Outcome::Secret)
        }
        SealedTask::Agree { peer, .. } => montgomery::agree(kind, seed, peer).map(Outcome::Secret),
        SealedTask::Decapsulate { ciphertext } => {
            ml_kem::decapsulate(kind, seed, ciphertext).map(Outcome::Secret)
        }
        SealedTask::Encapsulate => {
            let (ciphertext, secret) = ml_kem::encapsulate(kind, seed, fresh)?;
            Ok(Outcome::Encapsulated { ciphertext, secret })
        }
        SealedTask::Mac { message } => {
            let digest = SecretDigest::of(kind);
            let digest = digest.ok_or(Failure::Argument("keys of this type make no MACs"))?;
            let mut mac = hmac(digest, seed, message.expose())?;
            Ok(Outcome::Secret(SecretBytes::new(std::mem::take(&mut *mac))))
        }
        SealedTask::Sign { scheme, .. } if !scheme.suits(kind) => {
            Err(Failure::Argument("keys of this type don't sign so"))
        }
        SealedTask::Sign { scheme, statement } if kind.family() == Family::Weierstrass => {
            let message = statement.message.expose();
            weierstrass::sign(kind, *scheme, seed, message).map(Outcome::Public)
        }
        SealedTask::Sign { scheme, statement } => {
            edwards::sign(*scheme, seed, statement).map(Outcome::Public)
        }
        SealedTask::SignMlDsa(statement) => {
            ml_dsa::sign(kind, seed, statement, fresh).map(Outcome::Public)
        }
    }
}
