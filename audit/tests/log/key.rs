//! A logger key in software.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit::{LogKey, Signer, SignerError, VerifyingKey};
use ed25519_dalek::{Signer as _, SigningKey};

/// Clones are the same one.
#[derive(Clone)]
pub(crate) struct TestKey {
    key: SigningKey,
    /// Whether it refuses to sign.
    pub(crate) away: Arc<AtomicBool>,
}

impl TestKey {
    /// Always the same.
    pub(crate) fn new() -> Self {
        Self::of([42; 32])
    }

    /// Another one.
    pub(crate) fn of(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed), away: Arc::default() }
    }

    /// What checks checkpoints.
    pub(crate) fn log_key(&self) -> LogKey {
        LogKey::of(self.verifying_key())
    }

    /// What checks files.
    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }
}

impl Signer for TestKey {
    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(SignerError::new("the token is away"));
        }
        Ok(self.key.sign(message).to_bytes())
    }
}
