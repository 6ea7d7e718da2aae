//! The logger key, as the log sees it: something that signs.

use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

/// The logger key in the token. Used by one thread at a time, when a file starts and for
/// checkpoints; both calls may block.
pub trait Signer: Send {
    /// The Ed25519 public key (RFC 8032), 32 bytes.
    fn public_key(&self) -> [u8; 32];

    /// The Ed25519 signature (pure, not prehashed) of `message`, 64 bytes.
    ///
    /// # Errors
    /// When the token can't sign now; the log asks again later.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError>;

    /// The other logger keys of the token: there is one while a key takes over from another. Which of
    /// them sign is known from the latest checkpoint.
    fn others(&self) -> Vec<Box<dyn Signer>> {
        Vec::new()
    }
}

/// Why the logger key did not sign.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct SignerError(String);

impl SignerError {
    /// An error with this text, which ends up in front of an operator: no secrets.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Signs and checks the signature under the signer's own public key: a token
/// that signs wrongly would otherwise make a file that nobody can verify.
pub(crate) fn sign_and_check(signer: &dyn Signer, message: &[u8]) -> Result<[u8; 64], SignerError> {
    let signature = signer.sign(message)?;
    VerifyingKey::from_bytes(&signer.public_key())
        .and_then(|key| key.verify_strict(message, &Signature::from_bytes(&signature)))
        .map_err(|_| SignerError::new(MISMATCH))?;
    Ok(signature)
}

const MISMATCH: &str = "the logger key made a signature that does not verify under its own \
                        public key; check the token's Ed25519 mechanism and that the public \
                        key on record belongs to this key";
