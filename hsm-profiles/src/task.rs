//! What a key is asked to do.

use policies::Kid;
use serde::{Deserialize, Serialize};

use crate::algorithm::{Cipher, Scheme, Width};
use crate::key_type::{KeyType, SecretDigest};
use crate::protocol::SecretBytes;
use crate::sealed::Statement;

/// The key that does it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Key {
    /// Its name.
    pub kid: Kid,
    /// Its type.
    pub kind: KeyType,
    /// Where its secret part is.
    pub held: Held,
}

/// Where the secret part of a key is, which decides who does the work.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Held {
    /// In a token object whose `CKA_ID` is the KID: the token works.
    Resident,
    /// Encrypted by the token, in this blob: the worker has the token open it, and works in memory.
    Sealed(Vec<u8>),
}

/// The other side of an agreement, whose secret becomes the key of a task.
#[derive(Debug, Deserialize, Serialize)]
pub struct Counterpart {
    /// Its public key, validated: SEC1 uncompressed, or 32 or 56 raw bytes.
    pub peer: Vec<u8>,
    /// What the derivation of an AES key is bound to, at most 64 bytes. MACs ignore it.
    pub context: Vec<u8>,
}

/// What is to be done. The key is the named one, or else what it agrees on with a
/// [`Counterpart`]: the raw secret for a MAC, and for AES HKDF-SHA-256 of it without salt and with
/// the info `encedo-aes` (for wrapping `encedo-kek`) followed by the context.
#[derive(Debug, Deserialize, Serialize)]
pub enum Task {
    /// ML-KEM.Decaps (FIPS 203). Answers the shared secret, 32 bytes.
    Decapsulate {
        /// The ciphertext.
        ciphertext: Vec<u8>,
    },
    /// Answers the plaintext, a secret.
    Decrypt {
        /// How.
        cipher: Cipher,
        /// What was authenticated with it (GCM only).
        aad: Vec<u8>,
        /// What [`Task::Encrypt`] answered.
        sealed: Ciphered,
    },
    /// ML-KEM.Encaps (FIPS 203) to the key's own public half. Answers
    /// [`Outcome::Encapsulated`](crate::Outcome::Encapsulated).
    Encapsulate {
        /// The public half. The token does not keep it, and a sealed key knows its own.
        public: Vec<u8>,
    },
    /// Answers [`Ciphered`].
    Encrypt {
        /// How.
        cipher: Cipher,
        /// What is authenticated with it (GCM only).
        aad: Vec<u8>,
        /// The plaintext; for ECB whole blocks.
        plain: SecretBytes,
    },
    /// Answers an HMAC (RFC 2104), a secret.
    Hmac {
        /// The hash.
        digest: SecretDigest,
        /// The text.
        message: SecretBytes,
    },
    /// Answers a raw signature: r and s at the length of the curve's order, or RFC 8032.
    Sign {
        /// How.
        scheme: Scheme,
        /// The text; it is hashed in the worker.
        message: SecretBytes,
        /// For the schemes that have one, at most 255 bytes.
        context: Vec<u8>,
    },
    /// ML-DSA (FIPS 204), hedged, of the message itself. Answers the signature.
    SignMlDsa(Statement),
    /// Answers the unwrapped key, a secret (RFC 3394).
    Unwrap {
        /// The length of the wrapping key.
        width: Width,
        /// The initial value that has to come out.
        initial: [u8; 8],
        /// At least 24 bytes, a multiple of 8.
        wrapped: Vec<u8>,
    },
    /// Answers the wrapped key, 8 bytes longer (RFC 3394).
    Wrap {
        /// The length of the wrapping key.
        width: Width,
        /// The initial value.
        initial: [u8; 8],
        /// At least 16 bytes, a multiple of 8.
        plain: SecretBytes,
    },
}

/// What enciphering makes.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ciphered {
    /// As long as the plaintext; for CBC padded.
    pub text: Vec<u8>,
    /// 16 bytes for CBC and GCM, from the token's generator; empty for ECB.
    pub iv: Vec<u8>,
    /// 16 bytes for GCM, empty otherwise.
    pub tag: Vec<u8>,
}

/// The initial value of RFC 3394, section 2.2.3.1.
pub const RFC3394_INITIAL: [u8; 8] = [0xa6; 8];
